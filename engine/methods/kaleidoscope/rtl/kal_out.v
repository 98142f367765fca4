// Output: of the verdicts that the cores give in any cycle, one is written, the lowest core's
// first; the others wait in a register for each core. A core cannot give another verdict before
// its first is written unless there are more cores than cycles in a job; `overrun` would tell.
module kal_out #(
    parameter CORES = 8,
    parameter CORE = CORES > 1 ? $clog2(CORES) : 1
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [CORES-1:0]      out_valid,
    input  wire [16*CORES-1:0]   out_tag,
    input  wire [5*CORES-1:0]    out_class,
    input  wire [32*CORES-1:0]   out_score,
    input  wire [CORES-1:0]      out_anomaly,
    input  wire [1024*CORES-1:0] out_logits,
    output wire                  verdict,
    output reg  [CORE-1:0]       core,
    output wire [15:0]           tag,
    output wire [4:0]            class_,
    output wire [31:0]           score,
    output wire                  anomaly,
    output wire [1023:0]         logits,
    output wire                  overrun
);
    localparam WIDTH = 16 + 5 + 32 + 1 + 1024;
    reg [CORES-1:0] held;
    reg [WIDTH-1:0] kept [0:CORES-1];

    wire [CORES-1:0] offered = held | out_valid;
    assign verdict = offered != 0;

    integer i;
    always @* begin
        core = 0;
        if (verdict)
            for (i = CORES - 1; i >= 0; i = i - 1) if (offered[i]) core = i[CORE-1:0];
    end
    assign {tag, class_, score, anomaly, logits} = held[core] ? kept[core]
        : {out_tag[16*core +: 16], out_class[5*core +: 5], out_score[32*core +: 32],
           out_anomaly[core], out_logits[1024*core +: 1024]};
    assign overrun = (held & out_valid) != 0;

    integer n;
    always @(posedge clk) begin
        for (n = 0; n < CORES; n = n + 1) begin
            if (out_valid[n])
                kept[n] <= {out_tag[16*n +: 16], out_class[5*n +: 5], out_score[32*n +: 32],
                            out_anomaly[n], out_logits[1024*n +: 1024]};
            held[n] <= !rst && offered[n] && !(verdict && core == n[CORE-1:0]);
        end
    end
endmodule
