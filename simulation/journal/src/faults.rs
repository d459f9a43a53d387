//! What may go wrong, by name, and a set of such names. Knows nothing.

use std::fmt;

macro_rules! faults {
    ($($variant:ident $name:literal $doc:literal,)*) => {
        /// Something that may go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Fault {
            $(#[doc = $doc] $variant,)*
        }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

faults! {
    Kill "kill" "The process dies between two steps.",
    PowerLoss "power-loss" "Power is lost between two steps; what wasn't synced goes its own ways.",
    CrashInStep "crash-in-step" "The process or the power dies at some operation of the disk, in the middle of a step.",
    CrashInRecovery "crash-in-recovery" "And again while what it left is opened, and again.",
    SyncFails "sync-fails" "A sync fails, and what was to be synced is gone.",
    WriteFails "write-fails" "A change of the disk fails, or a write is cut short.",
    ReadFails "read-fails" "A range can't be read for a while.",
    DiskFull "disk-full" "There is no room on the disk for a while.",
    LostAnswer "lost-answer" "A call is carried out, or isn't, and nobody learns it.",
    ServerError "server-error" "A call is answered with a 5xx, carried out or not; or with an error inside a 200.",
    LateCall "late-call" "A call is carried out long after its caller has given up on it, or died.",
    DuplicateCall "duplicate-call" "A call is carried out twice.",
    Conflict "conflict" "A write is answered with a 409.",
    DamagedOnTheWay "damaged-on-the-way" "The store says that bytes were damaged on their way.",
    Outage "outage" "The store can't be reached for a while.",
    Refusal "refusal" "The store refuses everything for a while: 403, or no such bucket.",
    Abort "abort" "All open uploads are aborted by somebody.",
    Foreign "foreign" "Something else is at the key that is written next, and later isn't.",
    Consumer "consumer" "Objects whose acknowledgement is on the medium are taken away.",
    Privilege "privilege" "Looking, listing or aborting isn't permitted, ever or for a while.",
    Dialect "dialect" "The store isn't Amazon's.",
    Clock "clock" "The time of day jumps.",
    Options "options" "The journal is opened again with other options.",
    BitRot "bit-rot" "Bytes of the queue that were synced change, vanish or turn to zeros.",
}

/// A set of [`Fault`]s.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Faults(u32);

impl Faults {
    /// None.
    pub const NONE: Self = Self(0);

    /// All.
    pub fn all() -> Self {
        Fault::ALL.iter().fold(Self::NONE, |set, fault| set.with(*fault))
    }

    /// This and `fault`.
    #[must_use]
    pub fn with(self, fault: Fault) -> Self {
        Self(self.0 | 1 << fault as u32)
    }

    /// This but `fault`.
    #[must_use]
    pub fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << fault as u32))
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether `fault` is in it.
    pub fn has(self, fault: Fault) -> bool {
        self.0 & 1 << fault as u32 != 0
    }

    /// What is in it.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.iter().copied().filter(move |fault| self.has(*fault))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Fault::name).collect();
        f.write_str(&names.join(","))
    }
}

impl std::str::FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut set = Self::NONE;
        for name in text.split(',').filter(|name| !name.is_empty()) {
            match name {
                "all" => set = Self::all(),
                _ => {
                    let fault = Fault::ALL.iter().find(|fault| fault.name() == name);
                    set = set.with(*fault.ok_or_else(|| format!("there is no fault {name:?}"))?);
                }
            }
        }
        Ok(set)
    }
}
