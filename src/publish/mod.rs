//! Output leaves here: files staged and exchanged in one step, host rules, feeds, sitemap.

pub mod data;
mod feed;
pub mod hosts;
mod robots;
mod sitemap;
pub mod stage;
mod times;
mod webmanifest;
mod xml;

pub use feed::{FeedEntry, FeedMeta, feed};
pub use robots::robots;
pub use sitemap::{SitemapEntry, sitemap};
pub use stage::{Report, Reused, Stage};
pub use webmanifest::webmanifest;
