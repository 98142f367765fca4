"""The card of the kind traffic. Light: no numpy."""

from engine.data.kind import Fact, Kind

KIND = Kind(
    slug="traffic",
    title="Traffic",
    summary="Captures of network traffic, as flows of TCP and UDP, with a class for each if known.",
    suffixes=(".pcap", ".pcapng", ".cap", ".dmp", ".zip", ".csv", ".tsv"),
    formats=(
        "pcap of either byte order, with times in micro- or nanoseconds",
        "pcapng, with any number of interfaces",
        "Ethernet (VLAN, QinQ, PPPoE, MPLS), raw IP, Linux SLL and SLL2, loopback; IPv4 and IPv6",
        "zip or folder of captures, with a labels.csv of capture, l4, src, sport, dst, dport and "
        "one column or more of labels",
        "zip or folder of captures in a folder for each class, or with the class in their names",
        "such a table of labels by itself, for captures that are a dataset of their own",
    ),
    facts=(
        Fact("traffic", "Has captures"),
        Fact("captures", "Captures"),
        Fact("packets", "Packets"),
        Fact("flows", "Flows of TCP and UDP"),
        Fact("payload_flows", "Flows with payload"),
        Fact("seconds", "Length of all captures", "s"),
        Fact("links", "Link types"),
        Fact("labels", "Has labels of two classes or more"),
        Fact("label_columns", "Ways to label"),
        Fact("classes", "Classes of each"),
        Fact("label_source", "Labels come from"),
        Fact("labelled_flows", "Flows with a label of each"),
    ),
)
