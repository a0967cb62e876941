"""Print the stored boards, or put your own colorizers into a table.

    python -m course_utils.leaderboard                                 the stored boards
    python -m course_utils.leaderboard my.onnx …                       yours beside the shipped ones
    python -m course_utils.leaderboard my.onnx --photographs FOLDER    on photographs of your own

Without a folder, yours are measured on the test photographs of the album, which come with the
course. A board is of one set of photographs; compare rows of one board only.
"""

import argparse
import sys

from course_utils import leaderboard, photos, progress


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, or 1 where a file could not take part."""
    progress.print_anything()
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.leaderboard",
        description="Print the stored boards, or put your own colorizers into a table.",
    )
    parser.add_argument("files", nargs="*", metavar="MODEL.onnx", help="your own colorizers")
    parser.add_argument(
        "--photographs", metavar="FOLDER", help="measure on the folder's test split"
    )
    arguments = parser.parse_args(argv)
    if not arguments.files and not arguments.photographs:
        for name, board in leaderboard.stored().items():
            print(f"== {name}\n\n{leaderboard.table(board)}\n")
        return 0
    models, refused = leaderboard.contestants(arguments.files)
    board = None
    if arguments.photographs:
        try:
            rgb = photos.load(arguments.photographs, "test", 150, color_only=True)
        except (OSError, ValueError) as error:
            parser.error(str(error))
        data = "color photographs of the folder's test split"
        board = leaderboard.measure(leaderboard.shipped() | models, rgb, data)
    elif models:
        board = leaderboard.on_album(models)
        album = photos.load("album", "test", 256)  # times of two machines cannot be compared
        board["cost"] = leaderboard.costs(leaderboard.shipped() | models, album)
    if board:
        print(f"{leaderboard.table(board)}\n\n{leaderboard.pairs_text(board, 'psnr')}")
    for file, why in refused.items():
        print(f"{file} does not take part: {why}", file=sys.stderr)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
