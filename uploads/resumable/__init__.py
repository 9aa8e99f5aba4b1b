"""Files that a client sends in several requests, so that it can go on after a cut, by tus 1.0 (https://tus.io).

What arrives is stored in parts, and each part is committed with the new offset. With its last byte, the file is
assembled and becomes an upload like any other. Only one request writes at a time: each takes a new fencing token.
"""
