//! Questions to the privacy packs, in the shape that the machine needs.

use crate::model::ir::Name;
use crate::policy::Policy;
