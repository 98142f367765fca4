// The first of the largest of four candidates {index, value}, two comparisons deep.
`default_nettype none
module kal_best4 (
    input  wire [147:0] given,
    output wire [36:0]  best
);
    wire [36:0] low, high;
    assign low  = $signed(given[68:37]) > $signed(given[31:0]) ? given[73:37] : given[36:0];
    assign high = $signed(given[142:111]) > $signed(given[105:74]) ? given[147:111] : given[110:74];
    assign best = $signed(high[31:0]) > $signed(low[31:0]) ? high : low;
endmodule
`default_nettype wire
