#!/bin/sh
# The entry point of a MAP: run the app, or tell and export what the package holds (specification 1.0, "Manifest Export").
#   (no argument)  run the app; where /var/run/holoscan/export is mounted, export instead
#   show           print app.json and pkg.json
#   anything else  run that command
set -eu
export_root="${HOLOSCAN_EXPORT_PATH:-/var/run/holoscan/export}"
manifests="$HOLOSCAN_APP_MANIFEST_PATH $HOLOSCAN_PKG_MANIFEST_PATH"

export_folder() { # name, sources...
    target="$export_root/$1"
    shift
    mkdir -p "$target"
    cp -R "$@" "$target/"
}

export_package() {
    found=no
    for name in app config models docs; do
        if [ -d "$export_root/$name" ]; then
            found=yes
        fi
    done
    for name in app config models docs; do
        if [ "$found" = yes ] && [ ! -d "$export_root/$name" ]; then
            continue
        fi
        case "$name" in
            app) export_folder app "$HOLOSCAN_APPLICATION/." ;;
            config) export_folder config "$HOLOSCAN_CONFIG_PATH" "$HOLOSCAN_APP_MANIFEST_PATH" "$HOLOSCAN_PKG_MANIFEST_PATH" ;;
            models) export_folder models "$HOLOSCAN_MODEL_PATH/." ;;
            docs) export_folder docs "$HOLOSCAN_DOCS/." ;;
        esac
    done
}

if [ "$#" -eq 0 ]; then
    if [ -d "$export_root" ]; then
        export_package
        exit 0
    fi
    exec @COMMAND@
fi
if [ "$1" = show ]; then
    # shellcheck disable=SC2086 # two paths, neither with a space
    cat $manifests
    exit 0
fi
exec "$@"
