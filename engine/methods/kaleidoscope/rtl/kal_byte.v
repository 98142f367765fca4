// One byte of the vector unit: an operation of two int8 (stage 2), then rounding, shift and clip
// (stage 3): sat8((a ∘ b + r) >> shift).
`include "kal_pkg.vh"
`default_nettype none

module kal_byte (
    input  wire       clk,
    input  wire       valid2,
    input  wire [2:0] fn2,
    input  wire signed [7:0] a, b,
    input  wire       align2,    // take `aligned` instead
    input  wire signed [7:0] aligned,
    input  wire [3:0] shift3,
    input  wire       relu3,
    output wire [7:0] low3,      // of the unshifted result
    output wire [7:0] result3
);
    reg  signed [16:0] value3;
    wire signed [17:0] shifted =
        (18'(value3) + $signed({2'd0, (16'd1 << shift3) >> 1})) >>> shift3;

    always @(posedge clk)
        if (valid2)
            if (align2) value3 <= 17'(aligned);
            else
                case (fn2)
                    `KAL_ADD:     value3 <= 17'(a) + 17'(b);
                    `KAL_SUB:     value3 <= 17'(a) - 17'(b);
                    `KAL_MUL:     value3 <= a * b;
                    `KAL_MAX:     value3 <= a > b ? 17'(a) : 17'(b);
                    `KAL_ABSDIFF: value3 <= a > b ? 17'(a) - 17'(b) : 17'(b) - 17'(a);
                    default:      value3 <= 17'(a);
                endcase

    assign low3 = value3[7:0];
    assign result3 = shifted > 18'sd127 ? 8'd127
                   : relu3 && shifted[17] ? 8'd0
                   : shifted < -18'sd128 ? 8'h80
                   : shifted[7:0];
endmodule
`default_nettype wire
