#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts OCI layouts into the storage folder of a docker-registry, by hard links:
no copy, no upload.

usage: registry_tree.py STORAGE LAYOUT...   each as NAME:1, NAME its last part

Format: https://distribution.github.io/distribution/spec/ and its file system
driver: docker/registry/v2/{blobs,repositories}."""
import json
import os
import pathlib
import sys

INDEX_TYPES = ("application/vnd.oci.image.index.v1+json",
               "application/vnd.docker.distribution.manifest.list.v2+json")


def link(path, digest):
    path.mkdir(parents=True, exist_ok=True)
    (path / "link").write_text(digest)


def add_blob(root, layout, digest):
    kind, name = digest.split(":")
    folder = root / "blobs" / kind / name[:2] / name
    folder.mkdir(parents=True, exist_ok=True)
    source = layout / "blobs" / kind / name
    if not (folder / "data").exists():
        os.link(source, folder / "data")
    return source


def add_image(root, layout):
    repository = root / "repositories" / layout.name
    top = json.loads((layout / "index.json").read_text())["manifests"][0]
    digest = top["digest"]
    manifest = json.loads(add_blob(root, layout, digest).read_text())
    if manifest.get("mediaType", top["mediaType"]) in INDEX_TYPES:
        sys.exit(f"{layout}: an index of several images is not handled")
    for part in [manifest["config"], *manifest["layers"]]:
        add_blob(root, layout, part["digest"])
        link(repository / "_layers" / part["digest"].replace(":", "/"),
             part["digest"])
    name = digest.replace(":", "/")
    link(repository / "_manifests/revisions" / name, digest)
    link(repository / "_manifests/tags/1/current", digest)
    link(repository / "_manifests/tags/1/index" / name, digest)


if len(sys.argv) < 3:
    sys.exit(__doc__)
for argument in sys.argv[2:]:
    add_image(pathlib.Path(sys.argv[1]) / "docker/registry/v2",
              pathlib.Path(argument))
