// SPDX-License-Identifier: GPL-2.0-only
//! A rule and what is known of it.

use crate::{rules, Bus, Need, Subject};

pub struct Rule {
    pub name: &'static str,
    /// The section of the specification that it is about.
    pub section: &'static str,
    /// How long it may take, in seconds.
    pub seconds: u32,
    pub needs: &'static [Need],
    check: fn(&Bus),
}

macro_rules! table {
    ($($group:ident $section:literal $seconds:literal {
        $($rule:ident $(: $need:ident)?;)*
    })*) => {
        /// All rules.
        pub static RULES: &[Rule] = &[$($(
            Rule {
                name: stringify!($rule),
                section: $section,
                seconds: $seconds,
                needs: &[$(Need::$need)?],
                check: rules::$group::$rule,
            },
        )*)*];
    };
}

crate::each_rule!(table);

impl Rule {
    /// The rule of this name.
    pub fn named(name: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.name == name)
    }

    /// Whether a subject can do all that the rule needs.
    pub fn suits(&self, subject: &dyn Subject) -> bool {
        self.needs.iter().all(|&need| subject.can(need))
    }

    /// Panics, with the place in the rule and both values, if the subject breaks it.
    pub fn check(&self, subject: impl Subject + 'static) {
        let bus = Bus::new(subject);
        (self.check)(&bus);
        bus.end();
    }
}
