//! Bundle: a container: a transaction, a message or a collection.

use super::{Identifier, Meta, Resource, Text};

structs! {
    /// A container: a transaction, a message or a collection.
    Bundle("Bundle") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        identifier: Option<Identifier> = "identifier",
        /// 1..1; transaction, message, collection, searchset, batch…
        type_: Text = "type",
        timestamp: Option<Text> = "timestamp",
        total: Option<u32> = "total",
        link: Vec<BundleLink> = "link",
        entry: Vec<BundleEntry> = "entry",
    }

    /// A link of a Bundle, such as the next page.
    BundleLink {
        /// 1..1.
        relation: Text = "relation",
        /// 1..1.
        url: Text = "url",
    }

    /// One resource of a Bundle, with what is to be done with it.
    BundleEntry {
        full_url: Option<Text> = "fullUrl",
        resource: Option<Resource> = "resource",
        request: Option<BundleRequest> = "request",
        response: Option<BundleResponse> = "response",
    }

    /// What a transaction is to do with an entry.
    BundleRequest {
        /// 1..1; GET | HEAD | POST | PUT | DELETE | PATCH.
        method: Text = "method",
        /// 1..1.
        url: Text = "url",
        if_none_match: Option<Text> = "ifNoneMatch",
        if_modified_since: Option<Text> = "ifModifiedSince",
        if_match: Option<Text> = "ifMatch",
        if_none_exist: Option<Text> = "ifNoneExist",
    }

    /// What a server did with an entry.
    BundleResponse {
        /// 1..1.
        status: Text = "status",
        location: Option<Text> = "location",
        etag: Option<Text> = "etag",
        last_modified: Option<Text> = "lastModified",
        outcome: Option<Resource> = "outcome",
    }
}
