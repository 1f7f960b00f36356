//! Cells of an export.

use store::{Cell, ExportCursor, ExportPlace, Field, FieldKind, StoreError};

use crate::Columns;

pub fn cursor(row: &impl Columns) -> Result<ExportCursor, StoreError> {
    let place = ExportPlace {
        owner: row.uuid("cursor_owner")?,
        key: row.json("cursor_key")?,
    };
    place.write()
}

pub fn cell(row: &impl Columns, Field { name, kind }: Field) -> Result<Cell, StoreError> {
    let cell = match kind {
        FieldKind::Text => row.optional_text(name)?.map(Cell::Text),
        FieldKind::Id => row.optional_uuid(name)?.map(|id| Cell::Text(id.to_string())),
        FieldKind::Int => Some(Cell::Int(row.int(name)?)),
        FieldKind::Flag => Some(Cell::Flag(row.flag(name)?)),
        FieldKind::Time => row.optional_time(name)?.map(Cell::Time),
        FieldKind::Day => Some(Cell::Day(row.day(name)?)),
        FieldKind::List => Some(Cell::List(row.json(name)?)),
        FieldKind::Map => Some(Cell::Map(row.json(name)?)),
    };
    Ok(cell.unwrap_or(Cell::Missing))
}
