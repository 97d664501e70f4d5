"""Where runs and reports lie: the arguments that the commands about runs share."""

import argparse
from pathlib import Path


def add_folders(parser: argparse.ArgumentParser) -> None:
    """--profiles and --reports."""
    parser.add_argument("--profiles", type=Path, default=Path("profiles/out"), help="where runs lie (%(default)s)")
    parser.add_argument("--reports", type=Path, default=Path("reports/out"), help="where to write (%(default)s)")
