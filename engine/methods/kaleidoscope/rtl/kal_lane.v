// One lane of the tile unit: its row of every tile, 32 multipliers, the accumulators, and the
// requantiser y = (acc·m + 2^(s-1)) >> s. Stages are numbered from the issue of an instruction:
//
//   0  weight memory read              4  accumulate: bias or accumulator + dot product
//   1  weight memory output register   5  acc·m as two products, 16x16 and 16x15
//   2  32 products, summed by fours    6  sum of both, rounding, shift
//   3  sum of the eight partial sums   7  clip, table and write: kal_write.v
//
// At 4 ns a stage holds an 8x8 multiplier and two adders (2), three adders (3), or a wide adder
// and a 32-way shifter (6). The weight memory is read before its instruction meets the
// activations (stage 1), so that its two cycles do not lengthen the way from result to operand.
`include "kal_pkg.vh"
`default_nettype none

module kal_lane #(
    parameter WA       = 8,
    parameter CONTEXTS = 1,
    parameter CW       = 1
) (
    input  wire           clk,
    input  wire           ld_weights,  // this lane's part of a weight row
    input  wire           ld_bias,
    input  wire [WA-1:0]  ld_addr,
    input  wire [255:0]   ld_data,
    input  wire [31:0]    ld_bias_data,
    input  wire           read_weights,  // stage 0, and stage 2 of a gather
    input  wire [WA-1:0]  read_addr,
    output reg  [255:0]   weights,       // as read, one cycle later
    input  wire [255:0]   x,             // stage 2: the activation word
    input  wire           mvm1, mvm2, mvm3, mvm4, scale5, scale6,  // what each stage holds
    input  wire           clear2, row2, column2,  // stage 2 of LDW: what happens to the tile
    input  wire [7:0]     byte2,                  // for the column
    input  wire [63:0]    instr2,
    input  wire [63:0]    instr4,
    input  wire [CW-1:0]  ctx2, ctx4,
    input  wire [14:0]    m5,
    input  wire [4:0]     s6,
    output reg  signed [31:0] sum5,     // the accumulator after this instruction
    output reg  signed [47:0] scaled7
);
    // Weights of the program and of the dynamic tile.
    reg [255:0] store [0:(1<<WA)-1];
    reg [255:0] fixed;
    reg [255:0] dynamic [0:CONTEXTS-1];
    wire [CW-1:0] slot2 = CONTEXTS == 1 ? {CW{1'b0}} : ctx2;

    always @(posedge clk) begin
        if (ld_weights) store[ld_addr] <= ld_data;
        if (read_weights) weights <= store[read_addr];
        if (mvm1) fixed <= weights;
        if (clear2) dynamic[slot2] <= 256'd0;
        if (row2) dynamic[slot2] <= x;
        if (column2) dynamic[slot2][8*instr2[`KAL_N] +: 8] <= byte2;
    end

    // Stages 2 and 3: the dot product; |sum of four| <= 2^16, |dot| <= 2^19.
    wire [255:0] w = instr2[`KAL_DYNAMIC] ? dynamic[slot2] : fixed;
    reg signed [17:0] four [0:7];
    reg signed [20:0] dot;
    integer i;

    always @(posedge clk) begin
        if (mvm2)
            for (i = 0; i < 8; i = i + 1)
                four[i] <= $signed(x[32*i +: 8])    * $signed(w[32*i +: 8])
                         + $signed(x[32*i+8 +: 8])  * $signed(w[32*i+8 +: 8])
                         + $signed(x[32*i+16 +: 8]) * $signed(w[32*i+16 +: 8])
                         + $signed(x[32*i+24 +: 8]) * $signed(w[32*i+24 +: 8]);
        if (mvm3)
            dot <= 21'(four[0]) + 21'(four[1]) + 21'(four[2]) + 21'(four[3])
                 + 21'(four[4]) + 21'(four[5]) + 21'(four[6]) + 21'(four[7]);
    end

    // Stage 4. The bias is read in stage 2 and registered in stage 3.
    reg signed [31:0] bias [0:(1<<WA)-1];
    reg signed [31:0] bias3, bias4;
    reg signed [31:0] acc [0:4*(1<<CW)-1];
    wire [CW+1:0] index = {ctx4, instr4[`KAL_ACC]};
    wire signed [31:0] sum4 = (instr4[`KAL_FIRST] ? bias4 : acc[index]) + 32'(dot);

    always @(posedge clk) begin
        if (ld_bias) bias[ld_addr] <= ld_bias_data;
        if (mvm2) bias3 <= bias[instr2[`KAL_ROW]];
        if (mvm3) bias4 <= bias3;
        if (mvm4) begin
            acc[index] <= sum4;
            sum5       <= sum4;
        end
    end

    // Stages 5 and 6. sum5 = 2^16·high + low with low unsigned. The multipliers are left to the
    // fabric: DSP blocks are for the dot products.
    (* use_dsp = "no" *) reg signed [31:0] high6;
    (* use_dsp = "no" *) reg        [30:0] low6;
    wire signed [47:0] total = {high6, 16'd0} + {17'd0, low6} + (48'd1 << (s6 - 5'd1));

    always @(posedge clk) begin
        if (scale5) begin
            high6 <= $signed(sum5[31:16]) * $signed({1'b0, m5});
            low6  <= sum5[15:0] * m5;
        end
        if (scale6) scaled7 <= total >>> s6;
    end
endmodule
`default_nettype wire
