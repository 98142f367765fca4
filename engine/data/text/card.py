"""The card of the kind text. Light: no numpy."""

from engine.data.kind import Fact, Kind

KIND = Kind(
    slug="text",
    title="Text",
    summary="Texts in a table, with a class, a second text, or a prompt and its completion.",
    suffixes=(
        ".csv",
        ".tsv",
        ".txt",
        ".jsonl",
        ".ndjson",
        ".csv.gz",
        ".tsv.gz",
        ".txt.gz",
        ".jsonl.gz",
        ".ndjson.gz",
        ".zip",
    ),
    formats=(
        "CSV by commas, semicolons, tabs or bars, and TSV; with a header or without",
        "JSON Lines: an object per line, whose fields are the columns; or one JSON array of such",
        "text of lines that begin with their class: LABEL sentence",
        "plain text: each line that is not empty is a text",
        "any of these packed by gzip, as train.jsonl.gz",
        "zip or folder of such tables with the same columns, whose names say train, dev (val, "
        "validation) and test",
    ),
    facts=(
        Fact("rows", "Rows"),
        Fact("columns", "Columns"),
        Fact("train", "Rows of train"),
        Fact("dev", "Rows of dev"),
        Fact("test", "Rows of test"),
        Fact("text", "Column of the text"),
        Fact("text2", "Column of the second text"),
        Fact("label", "Column of the class"),
        Fact("labels", "Has labels of two classes or more"),
        Fact("classes", "Classes"),
        Fact("prompt", "Column of the prompt"),
        Fact("context", "Column of what goes with the prompt"),
        Fact("completion", "Column of the completion"),
        Fact("longest", "Longest row of texts", "characters"),
        Fact("duplicates", "Rows that repeat another of their part"),
        Fact("overlap", "Rows of dev and test that are in train too"),
    ),
)
