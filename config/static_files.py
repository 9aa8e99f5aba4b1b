"""Static files as an image has them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # WhiteNoise has no types
    """Files with hashed names, compressed. Our modules import each other by hashed names, too.

    Django's own switch for this, `support_js_module_import_aggregation`, reads the scripts of all packages, and fails
    at some whose imports are no files.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("longhaul/*.js", ((r'(?P<matched>\bfrom "(?P<url>\./[^"]+)")', 'from "%(url)s"'),)),
    )
