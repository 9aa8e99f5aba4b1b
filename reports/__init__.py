"""CSV out: report types, the export through COPY, the API and the pages to order and download."""
