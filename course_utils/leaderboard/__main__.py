"""Print the stored leaderboard, or put your own colorizers into the table.

    python -m course_utils.leaderboard                                 the stored table
    python -m course_utils.leaderboard my.onnx …                       yours beside the shipped ones
    python -m course_utils.leaderboard my.onnx --photographs FOLDER    on photographs of your own

Without a folder all are measured on the eight photographs that scikit-image and scikit-learn
install; on eight, intervals are wide.
"""

import argparse
import io
import sys

from course_utils import course, leaderboard, photos


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 1 where a file could not take part."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not have the Greek letters
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.leaderboard",
        description="Print the stored leaderboard, or put your own colorizers into the table.",
    )
    parser.add_argument("files", nargs="*", metavar="MODEL.onnx", help="your own colorizers")
    parser.add_argument(
        "--photographs", metavar="FOLDER", help="measure on the folder's test split"
    )
    arguments = parser.parse_args(argv)
    if not arguments.files and not arguments.photographs:
        print(leaderboard.table(course.result("08/leaderboard")))
        return 0
    models, refused = leaderboard.contestants(arguments.files)
    if models or arguments.photographs:
        rgb, scenes, data = leaderboard.installed()
        if arguments.photographs:
            try:
                rgb = photos.load(arguments.photographs, "test", 150, color_only=True)
            except (OSError, ValueError) as error:
                parser.error(str(error))
            data = "color photographs of the folder's test split"
        board = leaderboard.measure(leaderboard.shipped() | models, rgb, scenes, data)
        print(f"{leaderboard.table(board)}\n\n{leaderboard.pairs_text(board, 'psnr')}")
    for file, why in refused.items():
        print(f"{file} does not take part: {why}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
