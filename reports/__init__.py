"""CSV reports: report types, the export through COPY, and the API and pages for ordering and downloading."""
