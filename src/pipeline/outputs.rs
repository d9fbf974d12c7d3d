//! Everything published beside the pages: assets, feeds, sitemap, JSON, and the hosts' rules.

use serde_json::json;

use super::pages::{Pages, file_of};
use crate::assets::Manifest;
use crate::config::{self, Config, Target};
use crate::error::Result;
use crate::model::{self, Body, Hash, Row, Site};
use crate::publish::{self, FeedEntry, FeedMeta, SitemapEntry, Stage};
use crate::render::{Renderer, encoded};
