// The programmable core: run to completion, no branches, timing that never depends on data.
//
// A job is a model's number, a tag and up to 8 payload words. The core starts at the model's
// entry, issues at most one instruction a cycle, and gives the verdict. With CONTEXTS > 1 several
// jobs share the pipeline (barrel mode), each with activations, accumulators and a dynamic tile of
// its own; the job accepted first goes first, and the others take the slots that it leaves.
//
//   0  issue; weight memory      4  accumulate
//   1  activations               5  requantise: multiply; argmax
//   2  multiply; vector unit     6  requantise: add, shift; argmax
//   3  add                       7  clip, table, write and forward to stage 1; verdict
//
// A result is written in stage 7 and read in stage 1: dependent instructions issue 6 cycles apart
// (isa.py). Fewer stages would not fit 4 ns: kal_lane.v says what each holds.
`include "kal_pkg.vh"
`default_nettype none

module kal_core #(
    parameter LANES    = 8,   // 8: FPE, 32: HPE
    parameter WA       = 8,   // 2^WA weight rows and tile rows
    parameter PA       = 10,  // 2^PA instructions
    parameter CONTEXTS = 1    // 1, 2 or 4
) (
    input  wire          clk,
    input  wire          rst,
    // load: one part of 256 bits a cycle, while no job runs
    input  wire          ld_valid,
    input  wire [2:0]    ld_kind,
    input  wire [15:0]   ld_addr,
    input  wire [5:0]    ld_part,
    input  wire [255:0]  ld_data,
    // job: word 0 comes with job_valid & job_ready, word k in the k-th cycle after it
    input  wire          job_valid,
    output wire          job_ready,
    input  wire [3:0]    job_model,
    input  wire [15:0]   job_tag,
    input  wire [3:0]    job_words,
    input  wire          word_valid,
    input  wire [3:0]    word_index,
    input  wire [255:0]  word_data,
    // verdict
    output wire          out_valid,
    output reg  [15:0]   out_tag,
    output wire [4:0]    out_class,
    output wire [31:0]   out_score,
    output wire          out_anomaly,
    output wire [1023:0] out_logits,
    // trace: an issue, one cycle after it; a write, in its cycle
    output wire [CONTEXTS-1:0] busy,
    output wire          issue_valid,
    output wire [(CONTEXTS > 1 ? $clog2(CONTEXTS) : 1)-1:0] issue_ctx,
    output wire [PA-1:0] issue_pc,
    output wire [3:0]    issue_op,
    output wire          write_valid,
    output wire [(CONTEXTS > 1 ? $clog2(CONTEXTS) : 1)-1:0] write_ctx,
    output wire [5:0]    write_word,
    output wire [3:0]    write_mask,
    output wire [255:0]  write_data
);
    localparam CW = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;
    genvar c, l;
    integer i, j;

    // ---- Load port --------------------------------------------------------------------------
    wire ld_program = ld_valid && ld_kind == `KAL_LD_PROGRAM;
    wire ld_weights = ld_valid && ld_kind == `KAL_LD_WEIGHTS;
    wire ld_row     = ld_valid && ld_kind == `KAL_LD_ROW;
    wire ld_table   = ld_valid && ld_kind == `KAL_LD_TABLE;
    wire ld_entry   = ld_valid && ld_kind == `KAL_LD_ENTRY;
    wire ld_scale   = ld_row && ld_part == 6'(LANES / 8);  // after the biases

    reg [PA-1:0] entry_pc [0:15];
    reg [31:0]   entry_threshold [0:15];
    always @(posedge clk)
        if (ld_entry) begin
            entry_pc[ld_addr[3:0]]        <= ld_data[PA-1:0];
            entry_threshold[ld_addr[3:0]] <= ld_data[63:32];
        end

    // ---- Jobs and contexts ------------------------------------------------------------------
    reg  [CONTEXTS-1:0] running;
    // earlier[CONTEXTS*i + j]: the job of i was accepted before that of j
    reg  [CONTEXTS*CONTEXTS-1:0] earlier;
    reg  [15:0]         tag [0:(1<<CW)-1];
    reg  [32*CONTEXTS-1:0] thresholds;
    reg  [CW-1:0]       free, receiving;
    reg  [3:0]          words_left;

    always @* begin
        free = {CW{1'b0}};
        for (i = CONTEXTS - 1; i >= 0; i = i - 1) if (!running[i]) free = CW'(i);
    end

    wire accept = job_valid && job_ready;
    wire [CW-1:0] word_ctx = accept ? free : receiving;
    wire [CONTEXTS-1:0] finishing;  // its verdict stands at the port in the next cycle

    assign job_ready = !(&running) && words_left == 4'd0;
    assign busy = running;

    always @(posedge clk) begin
        if (accept) begin
            receiving               <= free;
            tag[free]               <= job_tag;
            thresholds[32*free +: 32] <= entry_threshold[job_model];
            earlier[CONTEXTS*free +: CONTEXTS] <= {CONTEXTS{1'b0}};
            for (i = 0; i < CONTEXTS; i = i + 1)
                if (CW'(i) != free) earlier[CONTEXTS*i + 32'(free)] <= 1'b1;
        end
        if (rst) words_left <= 4'd0;
        else if (accept) words_left <= job_words - 4'd1;
        else if (words_left != 4'd0 && word_valid) words_left <= words_left - 4'd1;
        for (i = 0; i < CONTEXTS; i = i + 1)
            if (rst || finishing[i]) running[i] <= 1'b0;
            else if (accept && free == CW'(i)) running[i] <= 1'b1;
    end

    // ---- Stage 0: issue ---------------------------------------------------------------------
    // Instructions of stages 1 to 7; stage 0 is what the sequencers offer.
    reg  [63:0]   instr [1:7];
    reg  [CW-1:0] ctx [1:7];
    reg  [7:1]    mvm, vpu;  // what a stage holds, if anything
    reg  [2:1]    ldw;
    reg           some1;
    reg  [PA-1:0] pc1;

    wire [64*CONTEXTS-1:0] offered;
    wire [PA*CONTEXTS-1:0] offered_pc;
    wire [CONTEXTS-1:0]    ready;
    reg  [CONTEXTS-1:0]    chosen;
    reg  [63:0]            instr0;
    reg  [PA-1:0]          pc0;
    reg  [CW-1:0]          ctx0;

    // A gather reads its embedding in stage 2. An instruction that wants the weight memory in the
    // same cycle is held; in a program of its own timing.py does not let it come then.
    wire gather2 = vpu[2] && instr[2][`KAL_OP] == `KAL_GAT;

    generate
        for (c = 0; c < CONTEXTS; c = c + 1) begin : sequencer
            wire [63:0] instr_c = offered[64*c +: 64];
            wire        passed;
            kal_fetch #(.PA(PA)) fetch (
                .clk(clk), .rst(rst),
                .ld_valid(ld_program), .ld_addr(ld_addr[PA-1:0]), .ld_data(ld_data[63:0]),
                .start(accept && free == CW'(c)), .start_pc(entry_pc[job_model]),
                .issue(chosen[c]), .ready(passed),
                .instr(offered[64*c +: 64]), .pc(offered_pc[PA*c +: PA])
            );
            assign ready[c] = passed
                && !(gather2 && instr_c[`KAL_OP] == `KAL_MVM && !instr_c[`KAL_DYNAMIC]);
        end
    endgenerate

    always @* begin
        instr0 = offered[63:0];
        pc0    = offered_pc[PA-1:0];
        ctx0   = {CW{1'b0}};
        for (i = 0; i < CONTEXTS; i = i + 1) begin
            chosen[i] = ready[i];
            for (j = 0; j < CONTEXTS; j = j + 1)
                if (j != i && ready[j] && earlier[CONTEXTS*j + i]) chosen[i] = 1'b0;
            if (chosen[i]) begin
                instr0 = offered[64*i +: 64];
                pc0    = offered_pc[PA*i +: PA];
                ctx0   = CW'(i);
            end
        end
    end

    wire       some0 = |chosen;
    wire [3:0] op0   = instr0[`KAL_OP];
    always @(posedge clk) begin
        instr[1] <= instr0;
        ctx[1]   <= ctx0;
        pc1      <= pc0;
        some1    <= some0 && !rst;
        for (i = 2; i <= 7; i = i + 1) begin
            instr[i] <= instr[i-1];
            ctx[i]   <= ctx[i-1];
        end
        if (rst) begin
            mvm <= 7'd0;
            vpu <= 7'd0;
            ldw <= 2'd0;
        end else begin
            mvm <= {mvm[6:1], some0 && op0 == `KAL_MVM};
            ldw <= {ldw[1], some0 && op0 == `KAL_LDW};
            vpu <= {vpu[6:1], some0 && (op0 == `KAL_EW || op0 == `KAL_ALIGN
                                     || op0 == `KAL_GAT || op0 == `KAL_SCORE)};
        end
    end
    assign issue_valid = some1;
    assign issue_ctx   = ctx[1];
    assign issue_pc    = pc1;
    assign issue_op    = instr[1][`KAL_OP];

    // ---- Stage 1: activations ---------------------------------------------------------------
    wire [256*CONTEXTS-1:0] read_a, read_b;
    wire [255:0] written;
    reg  [255:0] a2, b2;
    wire [CW-1:0] slot1 = CONTEXTS == 1 ? {CW{1'b0}} : ctx[1];

    generate
        for (c = 0; c < CONTEXTS; c = c + 1) begin : activations
            kal_store store (
                .clk(clk),
                .payload_valid(word_valid && word_ctx == CW'(c)),
                .payload_word({2'd0, word_index}), .payload_data(word_data),
                .write_valid(write_valid && write_ctx == CW'(c)),
                .write_word(write_word), .write_mask(write_mask), .write_data(written),
                .read_a(instr[1][`KAL_A]), .read_b(instr[1][`KAL_B]),
                .a(read_a[256*c +: 256]), .b(read_b[256*c +: 256])
            );
        end
    endgenerate
    always @(posedge clk) begin
        if (some1) a2 <= read_a[256*slot1 +: 256];
        if (vpu[1]) b2 <= read_b[256*slot1 +: 256];
    end

    // ---- Stages 2 to 6: tile unit and vector unit -------------------------------------------
    wire [7:0]    gathered;
    wire [7:0]    v = {~gathered[7], gathered[6:0]};  // byte + 128
    wire          weights_wanted = gather2 || (some0 && op0 == `KAL_MVM && !instr0[`KAL_DYNAMIC]);
    wire [7:0]    weights_row = gather2
        ? instr[2][`KAL_W] + {{$clog2(LANES){1'b0}}, v[7:$clog2(LANES)]} : instr0[`KAL_W];
    reg  [4:0]    line3;
    wire [256*LANES-1:0] rows;
    wire [32*LANES-1:0]  sums5;
    wire [48*LANES-1:0]  scaled7;
    wire [31:0]   score5;
    wire [255:0]  word7;

    always @(posedge clk) if (gather2) line3 <= 5'(v[$clog2(LANES)-1:0]);

    // LDW as a column: a byte for each lane, with 8 lanes those of one quarter.
    wire [8*LANES-1:0] column;
    generate
        if (LANES == 8) begin : one_quarter
            assign column = ({64{instr[2][43]}} & a2[63:0]) | ({64{instr[2][44]}} & a2[127:64])
                          | ({64{instr[2][45]}} & a2[191:128]) | ({64{instr[2][46]}} & a2[255:192]);
        end else begin : all_quarters
            assign column = a2;
        end
    endgenerate

    // Multipliers and shifts of the tile rows, read for stage 5.
    reg  [19:0] scale [0:(1<<WA)-1];  // {s, m}
    reg  [19:0] scale5;
    reg  [4:0]  s6;
    wire        requantise4 = mvm[4] && instr[4][`KAL_LAST] && !instr[4][`KAL_OUT];
    reg         requantise5, requantise6;
    always @(posedge clk) begin
        if (ld_scale) scale[ld_addr[WA-1:0]] <= {ld_data[20:16], ld_data[14:0]};
        if (requantise4) scale5 <= scale[instr[4][`KAL_ROW]];
        if (requantise5) s6 <= scale5[19:15];
        requantise5 <= requantise4 && !rst;
        requantise6 <= requantise5 && !rst;
    end

    generate
        for (l = 0; l < LANES; l = l + 1) begin : lanes
            kal_lane #(.WA(WA), .CONTEXTS(CONTEXTS), .CW(CW)) lane (
                .clk(clk),
                .ld_weights(ld_weights && ld_part == 6'(l)),
                .ld_bias(ld_row && ld_part == 6'(l / 8)),
                .ld_addr(ld_addr[WA-1:0]), .ld_data(ld_data),
                .ld_bias_data(ld_data[32*(l%8) +: 32]),
                .read_weights(weights_wanted), .read_addr(weights_row[WA-1:0]),
                .weights(rows[256*l +: 256]),
                .x(a2),
                .mvm1(mvm[1]), .mvm2(mvm[2]), .mvm3(mvm[3]), .mvm4(mvm[4]),
                .scale5(requantise5), .scale6(requantise6),
                .clear2(ldw[2] && instr[2][`KAL_FIRST]),
                .row2(ldw[2] && !instr[2][`KAL_COLUMN] && instr[2][`KAL_N] == 5'(l)),
                .column2(ldw[2] && instr[2][`KAL_COLUMN]), .byte2(column[8*l +: 8]),
                .instr2(instr[2]), .instr4(instr[4]),
                .ctx2(ctx[2]), .ctx4(ctx[4]),
                .m5(scale5[14:0]), .s6(s6),
                .sum5(sums5[32*l +: 32]), .scaled7(scaled7[48*l +: 48])
            );
        end
    endgenerate

    kal_vpu #(.LANES(LANES), .CW(CW)) vector_unit (
        .clk(clk),
        .valid2(vpu[2]), .valid3(vpu[3]), .valid4(vpu[4]), .valid5(vpu[5]), .valid6(vpu[6]),
        .instr2(instr[2]), .instr3(instr[3]), .instr4(instr[4]), .ctx4(ctx[4]),
        .a(a2), .b(b2), .gathered(gathered), .line3(line3), .rows3(rows),
        .sum5(score5), .word7(word7)
    );

    // ---- Stage 7: write; verdict ------------------------------------------------------------
    kal_write #(.LANES(LANES)) write (
        .clk(clk),
        .ld_valid(ld_table), .ld_addr(ld_addr[9:0]), .ld_data(ld_data[7:0]),
        .mvm(mvm[7]), .vpu(vpu[7]), .instr(instr[7]), .scaled(scaled7), .word(word7),
        .write_valid(write_valid), .write_word(write_word), .write_mask(write_mask),
        .write_data(written)
    );
    assign write_ctx  = ctx[7];
    assign write_data = written;

    kal_verdict #(.LANES(LANES), .CONTEXTS(CONTEXTS), .CW(CW)) verdict (
        .clk(clk), .rst(rst),
        .mvm5(mvm[5]), .vpu5(vpu[5]), .instr5(instr[5]), .ctx5(ctx[5]),
        .sums5(sums5), .score5(score5), .thresholds(thresholds),
        .finishing(finishing),
        .valid(out_valid), .best_class(out_class), .best_score(out_score),
        .anomaly(out_anomaly), .logits(out_logits)
    );
    always @(posedge clk)
        for (i = 0; i < CONTEXTS; i = i + 1) if (finishing[i]) out_tag <= tag[i];
endmodule
`default_nettype wire
