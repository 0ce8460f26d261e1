"""The pages, one module per area of work; each only reads forms, calls the office and renders."""
