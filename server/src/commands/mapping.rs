//! `tributary connection map`: which profile fields fill members' own columns.

use std::process::ExitCode;

use domain::{Connection, InvalidMapping, MappedColumn, ProfileMapper, ProfileMapping};
use serde::Serialize;

use crate::{
    accounts::operator,
    cli::MapConnection,
    commands::replay::said,
    error::CommandError,
    installation::Installation,
    operations::replay::{ReadAnew, read_anew},
    output::{Output, say, table},
};

/// Profile fields that are listed; a community has a dozen.
const FIELDS_LISTED: u32 = 200;

/// A connection's mapping, and what there is to map.
#[derive(Serialize)]
struct Printed {
    tenant_id: String,
    columns: Vec<Filling>,
    profile_fields: Vec<Field>,
    /// What reading the stored records anew came to; `null` if the mapping was left as it is.
    read_anew: Option<ReadAnew>,
}

#[derive(Serialize)]
struct Filling {
    column: MappedColumn,
    /// Best first. The default ones come after them.
    chosen: Vec<String>,
    default: &'static [&'static str],
}

#[derive(Serialize)]
struct Field {
    name: String,
    /// Stored members that have it, not blank.
    members: u64,
    fills: Option<MappedColumn>,
}

pub(crate) async fn run(
    installation: &Installation,
    options: &MapConnection,
    output: Output,
) -> Result<ExitCode, CommandError> {
    let connection = installation.connection(&options.tenant).await?;
    let before = installation.store.profile_mapping(connection.id).await?.mapping;
    let mapping = wanted(options, &before)?;
    let read_anew = if mapping == before {
        None
    } else {
        installation
            .store
            .set_profile_mapping(connection.id, &mapping, &operator(installation.clock.now()))
            .await?;
        Some(read_anew(installation, connection.id).await?)
    };
    let printed = printed(installation, &connection, &mapping, read_anew).await?;
    warn_of_unknown(options, &printed);
    output.data(&printed, describe)?;
    Ok(ExitCode::SUCCESS)
}

/// The mapping with what the options name in place of what was.
fn wanted(options: &MapConnection, before: &ProfileMapping) -> Result<ProfileMapping, CommandError> {
    let given = options.given();
    let mut mapping = if options.reset {
        ProfileMapping::default()
    } else {
        before.clone()
    };
    // First out of the way, so that a field can move from one column to another.
    for (column, names) in &given {
        if !names.is_empty() {
            mapping = mapping
                .with(*column, Vec::new())
                .map_err(|error| refused(&error))?;
        }
    }
    for (column, names) in given {
        if !names.is_empty() {
            mapping = mapping
                .with(column, names.to_vec())
                .map_err(|error| refused(&error))?;
        }
    }
    Ok(mapping)
}

fn refused(error: &InvalidMapping) -> CommandError {
    CommandError::usage(
        error.to_string(),
        "Give each profile field to one column, by its name. See the names with: tributary connection map TENANT",
    )
}

async fn printed(
    installation: &Installation,
    connection: &Connection,
    mapping: &ProfileMapping,
    read_anew: Option<ReadAnew>,
) -> Result<Printed, CommandError> {
    let fields = installation
        .store
        .profile_fields(connection.id, FIELDS_LISTED)
        .await?;
    let mut mapper = ProfileMapper::new(mapping);
    let columns = MappedColumn::ALL.map(|column| Filling {
        column,
        chosen: mapping.chosen(column).to_vec(),
        default: column.default_names(),
    });
    Ok(Printed {
        tenant_id: connection.tenant_id.to_string(),
        columns: columns.into(),
        profile_fields: fields
            .into_iter()
            .map(|field| Field {
                fills: mapper.column(&field.name),
                name: field.name,
                members: field.members,
            })
            .collect(),
        read_anew,
    })
}

/// A name may be mistyped; but members who have it may come, so it is no error.
fn warn_of_unknown(options: &MapConnection, printed: &Printed) {
    if printed.profile_fields.is_empty() {
        return;
    }
    for (column, names) in options.given() {
        for name in names {
            let mapping = ProfileMapping::default().with(column, vec![name.clone()]);
            let known = mapping.is_ok_and(|mapping| {
                let fields = printed.profile_fields.iter();
                fields.into_iter().any(|field| mapping.is_chosen(&field.name))
            });
            if !known {
                say(&format!(
                    "No stored member has a profile field named \"{name}\" so far."
                ));
            }
        }
    }
}

fn describe(printed: &Printed) -> String {
    let mut text = String::new();
    if let Some(anew) = &printed.read_anew {
        text = format!("{}: {}\n\n", printed.tenant_id, said(anew));
    }
    let rows: Vec<_> = printed
        .columns
        .iter()
        .map(|column| {
            let names = column.chosen.iter().map(String::as_str);
            let names: Vec<_> = names.chain(column.default.iter().copied()).collect();
            vec![column.column.as_str().to_owned(), names.join(", ")]
        })
        .collect();
    text.push_str(&table(
        &["COLUMN", "FIRST OF THESE PROFILE FIELDS THAT IS NOT BLANK"],
        &rows,
    ));
    if printed.profile_fields.is_empty() {
        text.push_str("\n\nNo stored member has profile fields yet.");
        return text;
    }
    let rows: Vec<_> = printed
        .profile_fields
        .iter()
        .map(|field| {
            let fills = field.fills.map_or("–", MappedColumn::as_str);
            vec![field.name.clone(), field.members.to_string(), fills.to_owned()]
        })
        .collect();
    text.push_str("\n\n");
    text.push_str(&table(&["PROFILE FIELD", "MEMBERS", "FILLS"], &rows));
    text
}
