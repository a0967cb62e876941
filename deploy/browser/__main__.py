"""Build the page that colorizes in the visitor's browser, or serve it on this machine.

python -m deploy.browser [-o build/browser]       (make browser)
python -m deploy.browser --serve                  builds, then serves on 127.0.0.1:8000
"""

import argparse
import sys
from pathlib import Path

from deploy.browser import build, serving


def main() -> None:
    parser = argparse.ArgumentParser("python -m deploy.browser", description=build.__doc__)
    parser.add_argument("-o", "--output", type=Path, default=build.ROOT / "build" / "browser")
    parser.add_argument("--serve", action="store_true", help="then serve it on this machine")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    try:
        print(build.build(options.output))
        if options.serve:
            with serving.server(options.output, options.port) as server:
                print(f"http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)", flush=True)
                server.serve_forever()
    except KeyboardInterrupt:
        pass
    except (OSError, OverflowError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
