//! Objects and lists, read without failing on what they hold.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Longest list that a record may hold (tags, roles, badges, profile fields). Real ones have dozens.
const LIST_MAX: usize = 1_000;

/// What an object's members are read into.
pub(crate) trait Fields<'de>: Sized {
    fn read<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error>;
}

/// An object, or `None` for anything else.
#[derive(Debug)]
pub(crate) struct Maybe<T>(pub(crate) Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// A list, also one written as an object with numbered keys, as PHP writes a list with gaps. Empty for anything else.
#[derive(Debug)]
pub(crate) struct Items<T> {
    pub(crate) items: Vec<T>,
    /// There were more than fit.
    pub(crate) too_many: bool,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            too_many: false,
        }
    }
}

impl<T> Items<T> {
    fn push(&mut self, item: T) {
        if self.items.len() < LIST_MAX {
            self.items.push(item);
        } else {
            self.too_many = true;
        }
    }
}

/// How many items a list has, without reading them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Length(pub(crate) Option<u64>);

/// An object's key.
pub(crate) struct Key<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_identifier(Text)
    }
}

/// The visits of null, booleans and numbers.
macro_rules! plain_values_are {
    ($value:expr) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }

        fn visit_unit<Fault: serde::de::Error>(self) -> Result<Self::Value, Fault> {
            Ok($value(self, "null"))
        }

        fn visit_bool<Fault: serde::de::Error>(self, _: bool) -> Result<Self::Value, Fault> {
            Ok($value(self, "a boolean"))
        }

        fn visit_i64<Fault: serde::de::Error>(self, _: i64) -> Result<Self::Value, Fault> {
            Ok($value(self, "a number"))
        }

        fn visit_u64<Fault: serde::de::Error>(self, _: u64) -> Result<Self::Value, Fault> {
            Ok($value(self, "a number"))
        }

        fn visit_f64<Fault: serde::de::Error>(self, _: f64) -> Result<Self::Value, Fault> {
            Ok($value(self, "a number"))
        }
    };
}
pub(crate) use plain_values_are;

/// The visits of all values that are neither list nor object.
macro_rules! single_values_are {
    ($value:expr) => {
        $crate::decode::fields::plain_values_are!($value);

        fn visit_str<Fault: serde::de::Error>(self, _: &str) -> Result<Self::Value, Fault> {
            Ok($value(self, "a text"))
        }
    };
}
pub(crate) use single_values_are;

pub(crate) fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

pub(crate) fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de, T: Fields<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<T>(std::marker::PhantomData<T>);

        impl<'de, T: Fields<'de>> Visitor<'de> for Object<T> {
            type Value = Maybe<T>;

            single_values_are!(|_, _| Maybe(None));

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                skip_list(list).map(|()| Maybe(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
                T::read(object).map(|fields| Maybe(Some(fields)))
            }
        }

        deserializer.deserialize_any(Object(std::marker::PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Items<T>;

            single_values_are!(|_, _| Items::default());

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Items::default();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(items)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut items = Items::default();
                while let Some((_, item)) = object.next_entry::<IgnoredAny, T>()? {
                    items.push(item);
                }
                Ok(items)
            }
        }

        deserializer.deserialize_any(List(std::marker::PhantomData))
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Length;

            single_values_are!(|_, _| Length(None));

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut length = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Length(Some(length)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut length = 0;
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Length(Some(length)))
            }
        }

        deserializer.deserialize_any(List)
    }
}

/// A struct of fields by key. Unknown keys are ignored; of a key that comes twice the last value counts, as in PHP.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty = $key:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<'de> {
            $(pub(crate) $field: $kind,)+
            /// Where no field borrows.
            pub(crate) _body: std::marker::PhantomData<&'de str>,
        }

        impl<'de> $crate::decode::fields::Fields<'de> for $name<'de> {
            fn read<A: serde::de::MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
                let mut fields = Self::default();
                while let Some(key) = object.next_key::<$crate::decode::fields::Key<'de>>()? {
                    match key.0.as_ref() {
                        $($key => fields.$field = object.next_value()?,)+
                        _ => {
                            object.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(fields)
            }
        }
    };
}
pub(crate) use fields;
