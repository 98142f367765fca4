// The verdict of a job: the logits of its last layer, the first of the largest, or a score.
//
// Logits arrive raw, a tile of up to LANES at a time, in rising order. A comparison of 32-bit
// numbers takes about 1.3 ns, so a stage compares twice: 8 -> 2, then 2 -> 1 and that with the
// best so far; 32 lanes need one stage more. A lane beyond `n` counts as the least number.
`include "kal_pkg.vh"
`default_nettype none

module kal_verdict #(
    parameter LANES    = 8,
    parameter CONTEXTS = 1,
    parameter CW       = 1
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          mvm5,
    input  wire          vpu5,
    input  wire [63:0]   instr5,
    input  wire [CW-1:0] ctx5,
    input  wire [32*LANES-1:0] sums5,      // of the lanes
    input  wire signed [31:0]  score5,     // of the vector unit
    input  wire [32*CONTEXTS-1:0] thresholds,
    output wire [CONTEXTS-1:0] finishing,  // contexts whose verdict stands in the next cycle
    output reg           valid,
    output reg  [4:0]    best_class,
    output reg  signed [31:0] best_score,
    output reg           anomaly,
    output wire [1023:0] logits
);
    wire [1:0] base5 = instr5[38:37];  // dst: class 8·dst
    wire [LANES-1:0] taken5 = ~({LANES{1'b1}} << 1 << instr5[`KAL_N]);  // lanes 0..n
    wire       out5  = mvm5 && instr5[`KAL_LAST] && instr5[`KAL_OUT];

    // All logits, for the port: of each context those of its last job; 0 beside a score.
    reg  [CW-1:0] ctx;
    reg           with_logits;
    wire [CW-1:0] slot5 = CONTEXTS == 1 ? {CW{1'b0}} : ctx5;
    wire [CW-1:0] slot  = CONTEXTS == 1 ? {CW{1'b0}} : ctx;
    genvar g;
    generate
        for (g = 0; g < 32; g = g + 1) begin : classes
            reg [31:0] logit [0:CONTEXTS-1];
            wire mine5 = base5 == 2'(g / LANES);  // the tile of this class
            always @(posedge clk)
                if (out5 && (mine5 || base5 == 2'd0))
                    logit[slot5] <= mine5 && taken5[g%LANES] ? sums5[32*(g%LANES) +: 32] : 32'd0;
            assign logits[32*g +: 32] = with_logits ? logit[slot] : 32'd0;
        end
    endgenerate

    wire [37*LANES-1:0] given;  // candidates: {lane, value}
    wire [37*(LANES/4)-1:0] found5;
    reg  [37*(LANES/4)-1:0] four6;
    generate
        for (g = 0; g < LANES; g = g + 1) begin : lane
            localparam [4:0] LANE = g;
            assign given[37*g +: 37] = {LANE, taken5[g] ? sums5[32*g +: 32] : 32'h80000000};
        end
        for (g = 0; g < LANES / 4; g = g + 1) begin : fours
            kal_best4 best4 (.given(given[148*g +: 148]), .best(found5[37*g +: 37]));
        end
    endgenerate
    always @(posedge clk) if (out5) four6 <= found5;

    // What comes along: {ends, logits, first tile, class of lane 0, context, score}.
    localparam META = 37 + CW;
    wire ends5 = (mvm5 || vpu5) && instr5[`KAL_END];
    wire [META-1:0] meta5 = {ends5, out5, base5 == 2'd0, base5, ctx5, score5};
    reg  [META-1:0] meta6;
    always @(posedge clk) meta6 <= rst ? {META{1'b0}} : meta5;

    wire [73:0]     last_two;
    wire [META-1:0] meta;
    generate
        if (LANES == 8) begin : two_stages
            assign last_two = four6;
            assign meta = meta6;
        end else begin : three_stages
            reg [73:0]     two7;
            reg [META-1:0] meta7;
            wire [73:0]    found6;
            for (g = 0; g < 2; g = g + 1) begin : fours
                kal_best4 best4 (.given(four6[148*g +: 148]), .best(found6[37*g +: 37]));
            end
            always @(posedge clk) begin
                two7  <= found6;
                meta7 <= rst ? {META{1'b0}} : meta6;
            end
            assign last_two = two7;
            assign meta = meta7;
        end
    endgenerate

    wire          ends, of_logits, first_tile;
    wire [1:0]    base;
    wire [CW-1:0] of;
    wire signed [31:0] score;
    assign {ends, of_logits, first_tile, base, of, score} = meta;

    // {class, value}: the best of this tile, and of the tiles before it.
    reg  [36:0] best [0:(1<<CW)-1];
    wire [36:0] tile  = $signed(last_two[68:37]) > $signed(last_two[31:0])
        ? last_two[73:37] : last_two[36:0];
    wire [36:0] found = {tile[36:32] + {base, 3'd0}, tile[31:0]};
    wire [36:0] so_far = best[of];
    wire [36:0] now   =
        first_tile || $signed(found[31:0]) > $signed(so_far[31:0]) ? found : so_far;
    wire signed [31:0] threshold = thresholds[32*of +: 32];

    assign finishing = CONTEXTS'(ends) << of;
    always @(posedge clk) begin
        if (of_logits) best[of] <= now;
        valid <= !rst && ends;
        if (ends) begin
            ctx         <= of;
            with_logits <= of_logits;
            best_class  <= of_logits ? now[36:32] : 5'd0;
            best_score  <= of_logits ? now[31:0] : score;
            anomaly     <= !of_logits && score > threshold;
        end
    end
endmodule
`default_nettype wire
