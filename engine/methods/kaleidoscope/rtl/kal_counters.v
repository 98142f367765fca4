// Counters: counter i counts the cycles in which event i holds; read by number.
module kal_counters #(
    parameter COUNT = 32
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire [COUNT-1:0]         events,
    input  wire [$clog2(COUNT)-1:0] index,
    output wire [31:0]              value
);
    reg [31:0] counts [0:COUNT-1];
    assign value = counts[index];

    genvar i;
    generate
        for (i = 0; i < COUNT; i = i + 1) begin : counter
            always @(posedge clk)
                if (rst) counts[i] <= 32'd0;
                else if (events[i]) counts[i] <= counts[i] + 32'd1;
        end
    endgenerate
endmodule
