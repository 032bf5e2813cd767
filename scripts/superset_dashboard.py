"""Pack the Superset dashboard of bi/superset into an archive for Superset's import.

    python scripts/superset_dashboard.py [--db path to the published DuckDB file] [--out superset_dashboard.zip]

The file is the one named, else what SALES_KPIS_DB, or warehouse/sales_kpis.duckdb, is published as. The archive has
what the YAML leaves open: where the file is, and the columns of its tables with their types and descriptions.
docs/bi.md says how to import it.
"""

import argparse
import os
import sys
from pathlib import Path
from zipfile import ZipFile

import duckdb
import yaml
from publish import published_file, working_file

SOURCE = Path(__file__).resolve().parents[1] / "bi" / "superset"

COLUMNS = """
    select column_name, data_type, comment
    from duckdb_columns()
    where database_name = current_database() and schema_name = ? and table_name = ?
    order by column_index
"""


def read_assets() -> dict[str, dict]:
    """The dashboard, charts, datasets and database as they stand in the repository, by file."""
    return {
        str(path.relative_to(SOURCE)): yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted(SOURCE.rglob("*.yaml"))
    }


def fill_in(assets: dict[str, dict], published: Path) -> None:
    """Add the address of the published file, and the columns of its tables. Raises LookupError for a missing table."""
    with duckdb.connect(str(published), read_only=True) as connection:
        for name, asset in assets.items():
            if name.startswith("databases/"):
                # The link, not what it leads to now, so that the next version is seen
                asset["sqlalchemy_uri"] = f"duckdb:///{os.path.abspath(published)}?access_mode=READ_ONLY"
            if name.startswith("datasets/"):
                columns = connection.execute(COLUMNS, [asset["schema"], asset["table_name"]]).fetchall()
                if not columns:
                    raise LookupError(f"{published} has no table {asset['schema']}.{asset['table_name']}")
                named = {column["column_name"]: column for column in asset.get("columns", [])}
                for column, data_type, comment in columns:
                    is_date = data_type.startswith(("DATE", "TIMESTAMP"))
                    known = {"column_name": column, "type": data_type, "description": comment, "is_dttm": is_date}
                    named[column] = known | named.get(column, {})
                asset["columns"] = list(named.values())


def pack(published: Path, archive: Path) -> None:
    """Write the archive. Raises LookupError, duckdb.Error or OSError where it cannot."""
    assets = read_assets()
    fill_in(assets, published)
    with ZipFile(archive, "w") as file:
        for name, asset in assets.items():
            file.writestr(f"sales_kpis/{name}", yaml.safe_dump(asset, sort_keys=False, allow_unicode=True))


def main() -> int:
    parser = argparse.ArgumentParser(description="Pack the Superset dashboard for import.")
    parser.add_argument("--db", type=Path, default=published_file(working_file()), help="the published DuckDB file")
    parser.add_argument("--out", type=Path, default=Path("superset_dashboard.zip"), help="the archive to write")
    arguments = parser.parse_args()
    try:
        pack(arguments.db, arguments.out)
    except (LookupError, OSError, duckdb.Error) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.out}: import it with superset import-dashboards -p {arguments.out} -u <your user in Superset>")
    return 0


if __name__ == "__main__":
    sys.exit(main())
