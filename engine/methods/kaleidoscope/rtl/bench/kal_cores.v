// Some cores behind one job port, for benches: a job goes to the lowest core that is ready.
// `look` chooses the core whose verdict and trace are at the ports, `peek_*` a word of the
// activations of core 0.
`default_nettype none

module kal_cores #(
    parameter CORES    = 1,
    parameter LANES    = 8,
    parameter CONTEXTS = 1
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          ld_valid,
    input  wire [2:0]    ld_kind,
    input  wire [15:0]   ld_addr,
    input  wire [5:0]    ld_part,
    input  wire [255:0]  ld_data,
    input  wire          job_valid,
    output wire          job_ready,
    input  wire [3:0]    job_model,
    input  wire [15:0]   job_tag,
    input  wire [3:0]    job_words,
    input  wire          word_valid,
    input  wire [3:0]    word_index,
    input  wire [255:0]  word_data,
    input  wire [(CORES > 1 ? $clog2(CORES) : 1)-1:0] look,
    output wire [CORES-1:0] out_valid,
    output wire [CORES-1:0] issue_valid,
    output wire [CORES-1:0] write_valid,
    output wire [15:0]   out_tag,
    output wire [4:0]    out_class,
    output wire [31:0]   out_score,
    output wire          out_anomaly,
    output wire [1023:0] out_logits,
    output wire [1:0]    issue_ctx,
    output wire [9:0]    issue_pc,
    output wire [3:0]    issue_op,
    output wire [1:0]    write_ctx,
    output wire [5:0]    write_word,
    output wire [3:0]    write_mask,
    output wire [255:0]  write_data,
    output wire          busy,       // some job runs
    input  wire [(CONTEXTS > 1 ? $clog2(CONTEXTS) : 1)-1:0] peek_ctx,
    input  wire [5:0]    peek_word,
    output wire [255:0]  peek_data
);
    localparam CW = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;
    localparam NW = CORES > 1 ? $clog2(CORES) : 1;

    wire [CORES-1:0] ready, anomalies, running;
    wire [16*CORES-1:0]   tags;
    wire [5*CORES-1:0]    classes;
    wire [32*CORES-1:0]   scores;
    wire [1024*CORES-1:0] logits;
    wire [2*CORES-1:0]    issue_ctxs, write_ctxs;
    wire [10*CORES-1:0]   pcs;
    wire [4*CORES-1:0]    ops, masks;
    wire [6*CORES-1:0]    words;
    wire [256*CORES-1:0]  datas;

    // The payload words of a job follow it; until they are through, no other job is taken.
    reg [NW-1:0] first, receiving;
    reg [3:0]    left;
    integer i;
    always @* begin
        first = {NW{1'b0}};
        for (i = CORES - 1; i >= 0; i = i - 1) if (ready[i]) first = NW'(i);
    end
    wire accept = job_valid && job_ready;
    wire [NW-1:0] target = accept ? first : receiving;
    assign job_ready = |ready && left == 4'd0;
    always @(posedge clk) begin
        if (accept) receiving <= first;
        if (rst) left <= 4'd0;
        else if (accept) left <= job_words - 4'd1;
        else if (left != 4'd0) left <= left - 4'd1;
    end

    genvar k;
    generate
        for (k = 0; k < CORES; k = k + 1) begin : cores
            wire [CONTEXTS-1:0] contexts;
            wire [CW-1:0] issuing, writing;
            kal_core #(.LANES(LANES), .WA(8), .PA(10), .CONTEXTS(CONTEXTS)) core (
                .clk(clk), .rst(rst),
                .ld_valid(ld_valid), .ld_kind(ld_kind), .ld_addr(ld_addr), .ld_part(ld_part),
                .ld_data(ld_data),
                .job_valid(accept && first == NW'(k)), .job_ready(ready[k]),
                .job_model(job_model), .job_tag(job_tag), .job_words(job_words),
                .word_valid(word_valid && target == NW'(k)), .word_index(word_index),
                .word_data(word_data),
                .out_valid(out_valid[k]), .out_tag(tags[16*k +: 16]),
                .out_class(classes[5*k +: 5]), .out_score(scores[32*k +: 32]),
                .out_anomaly(anomalies[k]), .out_logits(logits[1024*k +: 1024]),
                .busy(contexts),
                .issue_valid(issue_valid[k]), .issue_ctx(issuing), .issue_pc(pcs[10*k +: 10]),
                .issue_op(ops[4*k +: 4]),
                .write_valid(write_valid[k]), .write_ctx(writing), .write_word(words[6*k +: 6]),
                .write_mask(masks[4*k +: 4]), .write_data(datas[256*k +: 256])
            );
            assign running[k] = |contexts;
            assign issue_ctxs[2*k +: 2] = 2'(issuing);
            assign write_ctxs[2*k +: 2] = 2'(writing);
        end
    endgenerate

    assign out_tag     = tags[16*look +: 16];
    assign out_class   = classes[5*look +: 5];
    assign out_score   = scores[32*look +: 32];
    assign out_anomaly = anomalies[look];
    assign out_logits  = logits[1024*look +: 1024];
    assign issue_ctx   = issue_ctxs[2*look +: 2];
    assign issue_pc    = pcs[10*look +: 10];
    assign issue_op    = ops[4*look +: 4];
    assign write_ctx   = write_ctxs[2*look +: 2];
    assign write_word  = words[6*look +: 6];
    assign write_mask  = masks[4*look +: 4];
    assign write_data  = datas[256*look +: 256];
    assign busy        = |running;

    genvar c, q;
    wire [256*CONTEXTS-1:0] peeked;
    generate
        for (c = 0; c < CONTEXTS; c = c + 1) begin : peek
            for (q = 0; q < 4; q = q + 1) begin : quarter
                assign peeked[256*c + 64*q +: 64] =
                    cores[0].core.activations[c].store.quarter[q].bytes[peek_word];
            end
        end
    endgenerate
    assign peek_data = peeked[256*peek_ctx +: 256];
endmodule
`default_nettype wire
