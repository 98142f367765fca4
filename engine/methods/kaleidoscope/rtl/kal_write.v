// Stage 7: clip a tile's results, look every byte up in a table where one is named, and offer the
// word to the activations. A core of 8 lanes offers its 8 bytes to all quarters; `mask` picks.
`include "kal_pkg.vh"
`default_nettype none

module kal_write #(
    parameter LANES = 8
) (
    input  wire         clk,
    input  wire         ld_valid,
    input  wire [9:0]   ld_addr,  // {table, index}
    input  wire [7:0]   ld_data,
    input  wire         mvm,
    input  wire         vpu,
    input  wire [63:0]  instr,
    input  wire [48*LANES-1:0] scaled,
    input  wire [255:0] word,
    output wire         write_valid,
    output wire [5:0]   write_word,
    output wire [3:0]   write_mask,
    output reg  [255:0] write_data
);
    (* ram_style = "distributed" *) reg [7:0] tables [0:1023];
    always @(posedge clk) if (ld_valid) tables[ld_addr] <= ld_data;

    wire [3:0] op    = instr[`KAL_OP];
    wire [2:0] table_number = instr[`KAL_TABLE];
    wire [1:0] number = table_number[1:0] - 2'd1;

    assign write_valid = (mvm && instr[`KAL_LAST] && !instr[`KAL_OUT])
                      || (vpu && op != `KAL_SCORE);
    assign write_word = instr[`KAL_DST];
    assign write_mask = instr[`KAL_MASK];

    integer i;
    reg [255:0] clipped;
    reg signed [47:0] value;
    always @* begin
        clipped = word;
        value = 48'sd0;
        if (write_valid && mvm)
            for (i = 0; i < 32; i = i + 1) begin
                value = scaled[48*(i%LANES) +: 48];
                clipped[8*i +: 8] = value > 48'sd127 ? 8'd127
                                  : instr[`KAL_RELU] && value[47] ? 8'd0
                                  : value < -48'sd128 ? 8'h80
                                  : value[7:0];
            end
        write_data = clipped;
        if (write_valid && table_number != 3'd0)
            for (i = 0; i < 32; i = i + 1)  // index y + 128
                write_data[8*i +: 8] = tables[{number, ~clipped[8*i+7], clipped[8*i +: 7]}];
    end
endmodule
`default_nettype wire
