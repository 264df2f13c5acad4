"""The state of a recorder as data: what the page, `/health` and `/ready` say."""
