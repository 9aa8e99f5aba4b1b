"""An app whose tables several tenants share, with fields of every type and upload types over them."""
