"""The card of the kind graph. Light: no numpy."""

from engine.data.kind import Fact, Kind

KIND = Kind(
    slug="graph",
    title="Graph",
    summary="Nodes joined by undirected edges, with a feature row and a class per node if known.",
    suffixes=(".npz", ".zip", ".csv", ".tsv", ".txt", ".edge", ".edges", ".pt", ".graphml"),
    formats=(
        "npz with adj_data, adj_indices, adj_indptr, adj_shape; attr_… and labels if there are any",
        "npz from scipy.sparse.save_npz (csr, csc or coo): the edges only, as of an attacked graph",
        "zip or folder of text: edges.csv, features.csv, labels.csv (or *.edge, …)",
        "one text file of edges: two nodes per line, by comma, semicolon, tab or space",
        "PyTorch .pt: a torch_geometric Data, or a dict of tensors x, edge_index and y",
        "zip or folder of the eight files ind.NAME.* of Planetoid",
        "GraphML, or node-link JSON as of networkx, with attributes as features and class",
    ),
    facts=(
        Fact("nodes", "Nodes"),
        Fact("edges", "Edges"),
        Fact("features", "Has features"),
        Fact("feature_count", "Features"),
        Fact("labels", "Has labels"),
        Fact("classes", "Classes"),
        Fact("homophily", "Edges inside a class", "fraction"),
        Fact("directed_input", "Came with directed edges"),
        Fact("components", "Connected components"),
        Fact("largest_component_nodes", "Nodes of the largest component"),
        Fact("largest_component_edges", "Edges of the largest component"),
        Fact("isolated_nodes", "Nodes without an edge"),
    ),
)
