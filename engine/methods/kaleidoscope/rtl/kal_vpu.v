// The vector unit: element-wise operations, alignment, gather and the sum of a score, on words of
// 32 bytes. It would need three stages only; its words wait for stage 7, so that all results are
// written in issue order through one port and the compiler keeps one distance.
//
//   2  operation, or the 32 bytes from byte n of two words      5, 6  wait
//   3  rounding, shift, clip; choice of the gathered line       7     table and write
`include "kal_pkg.vh"
`default_nettype none

module kal_vpu #(
    parameter LANES    = 8,
    parameter CW       = 1
) (
    input  wire         clk,
    input  wire         valid2, valid3, valid4, valid5, valid6,  // an instruction of this unit
    input  wire [63:0]  instr2, instr3, instr4,
    input  wire [CW-1:0] ctx4,
    input  wire [255:0] a, b,              // stage 2
    output wire [7:0]   gathered,          // stage 2: byte n of a, the index of a gather
    input  wire [4:0]   line3,             // stage 3: the lane that holds the embedding
    input  wire [256*LANES-1:0] rows3,     // stage 3: the weight row that was read
    output reg  signed [31:0] sum5,        // the score's sum after this instruction
    output reg  [255:0] word7
);
    wire [3:0] op2 = instr2[`KAL_OP];
    wire [3:0] op3 = instr3[`KAL_OP];
    wire [4:0] n2  = instr2[`KAL_N];
    wire [2:0] fn2 = op2 == `KAL_SCORE ? `KAL_ABSDIFF : instr2[`KAL_FN];
    wire       align2 = op2 == `KAL_ALIGN;
    wire [255:0] window = align2 ? 256'({b, a} >> {n2, 3'd0}) : 256'd0;
    // An alignment is neither rounded nor shifted; that field is other fields' bits.
    wire [3:0] shift3 = op3 == `KAL_EW ? instr3[`KAL_SHIFT] : 4'd0;

    assign gathered = a[8*n2 +: 8];

    wire [255:0] low3, result3;
    genvar g;
    generate
        for (g = 0; g < 32; g = g + 1) begin : bytes
            kal_byte unit (
                .clk(clk), .valid2(valid2), .fn2(fn2), .a(a[8*g +: 8]), .b(b[8*g +: 8]),
                .align2(align2), .aligned(window[8*g +: 8]),
                .shift3(shift3), .relu3(instr3[`KAL_RELU]),
                .low3(low3[8*g +: 8]), .result3(result3[8*g +: 8])
            );
        end
    endgenerate

    reg [10:0]  quarter4 [0:3];  // sums of 8 differences of up to 255
    reg [255:0] word4, word5, word6;
    reg signed [31:0] sum [0:(1<<CW)-1];
    wire signed [31:0] sum4 = (instr4[`KAL_FIRST] ? 32'sd0 : sum[ctx4])
        + {21'd0, quarter4[0]} + {21'd0, quarter4[1]} + {21'd0, quarter4[2]} + {21'd0, quarter4[3]};
    integer q;

    always @(posedge clk) begin
        if (valid3) begin
            word4 <= op3 == `KAL_GAT ? rows3[256*line3 +: 256] : result3;
            if (op3 == `KAL_SCORE)
                for (q = 0; q < 4; q = q + 1)
                    quarter4[q] <= instr3[43+q]
                        ? 11'(low3[64*q +: 8]) + 11'(low3[64*q+8 +: 8])
                        + 11'(low3[64*q+16 +: 8]) + 11'(low3[64*q+24 +: 8])
                        + 11'(low3[64*q+32 +: 8]) + 11'(low3[64*q+40 +: 8])
                        + 11'(low3[64*q+48 +: 8]) + 11'(low3[64*q+56 +: 8])
                        : 11'd0;
        end
        if (valid4 && instr4[`KAL_OP] == `KAL_SCORE) begin
            sum[ctx4] <= sum4;
            sum5      <= sum4;
        end
        if (valid4) word5 <= word4;
        if (valid5) word6 <= word5;
        if (valid6) word7 <= word6;
    end
endmodule
`default_nettype wire
