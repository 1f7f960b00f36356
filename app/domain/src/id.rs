use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id!(
    ConnectionId,
    "One connection to one tenant. Time-ordered (UUID version 7)."
);
id!(
    AccountId,
    "Someone who logs in to the console. Time-ordered (UUID version 7)."
);
id!(
    SessionId,
    "One log-in, until it ends. Time-ordered (UUID version 7)."
);
id!(
    TokenId,
    "What a program shows to be let in. Time-ordered (UUID version 7)."
);
id!(
    RunId,
    "One sync of one connection. Time-ordered (UUID version 7)."
);
