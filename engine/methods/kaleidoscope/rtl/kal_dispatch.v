// Dispatcher of one group of cores (FPEs for mice, HPEs for elephants): job FIFO, arbiter, the
// payload's way into the core, and the book of jobs that are in the cores.
//
// FIFO: a job that finds it full is dropped and counted; nothing ever waits for room on the packet
// side. A job pushed in cycle n can be accepted by a core in n + 1 (the head is read without a
// clock, as distributed memory can).
// Arbiter: the first core that has no job at all, else the first that takes another one.
// Payload: one bus of a word a cycle for the group, so at most one job in `need_words` cycles; the
// byte encoding happens on it.
// Book: each core has SLOTS places for jobs that it has accepted and whose verdict is not written.
// The tag is {core, slot}; who it was is looked up by the tag when the verdict comes, in any order.
module kal_dispatch #(
    parameter CORES = 8,
    parameter WORDS = 4,     // of payload in a job; a power of two
    parameter DEPTH = 64,    // a power of two
    parameter ROW = 10,      // bits of a row's number
    parameter CORE = CORES > 1 ? $clog2(CORES) : 1
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [31:0]          now,
    input  wire [3:0]           need_words,  // 1 to WORDS
    input  wire [1:0]           encode,      // 0 half: b >> 1; 1 fix8: b >> 3; 2 centred: b - 128
    // jobs
    input  wire                 push,
    input  wire [3:0]           push_model,
    input  wire [ROW-1:0]       push_row,
    input  wire [7:0]           push_generation,
    input  wire [31:0]          push_packet,
    input  wire [31:0]          push_first,  // cycle of the packet's first beat
    input  wire [31:0]          push_last,   // cycle of the beat with the last needed byte
    input  wire [256*WORDS-1:0] push_words,
    output wire                 full,
    output wire [15:0]          depth,
    // the cores' job ports
    input  wire [CORES-1:0]     job_ready,
    output reg  [CORES-1:0]     job_valid,
    output wire [3:0]           job_model,
    output wire [15:0]          job_tag,
    output reg  [CORES-1:0]     word_valid,
    output wire [3:0]           word_index,
    output reg  [255:0]         word_data,
    // a verdict is written: whose is it?
    input  wire                 retire,
    input  wire [CORE+2:0]      retire_tag,
    output wire [ROW-1:0]       retire_row,
    output wire [7:0]           retire_generation,
    output wire [31:0]          retire_packet,
    output wire [31:0]          retire_first,
    output wire [31:0]          retire_last,
    output wire [31:0]          retire_enqueue,
    output wire [31:0]          retire_start
);
    localparam SLOTS = 8;  // more than contexts: a verdict may wait while the next job begins
    localparam PLACE = $clog2(DEPTH);
    localparam WORD = $clog2(WORDS);
    localparam BOOK = SLOTS << CORE;
    localparam IDENTITY = ROW + 8 + 4 * 32;

    // FIFO
    reg [255:0]          words [0:DEPTH*WORDS-1];
    reg [IDENTITY+3:0]   jobs [0:DEPTH-1];
    reg [PLACE-1:0]      head, tail;
    reg [PLACE:0]        waiting;
    assign full = waiting == DEPTH[PLACE:0];
    assign depth = {{15 - PLACE{1'b0}}, waiting};
    wire accept = push && !full;

    wire [IDENTITY-1:0] identity;
    assign {job_model, identity} = jobs[head];

    // Arbiter: the first idle core, else the first that is ready and has a free slot.
    reg [BOOK-1:0]        taken;
    reg                   sending;  // a job's later words are on their way to core `to`
    reg [CORE-1:0]        to, chosen;
    reg [3:0]             sent;
    reg                   any, idle;
    reg [2:0]             slot;

    integer i;
    always @* begin
        any = 1'b0;
        idle = 1'b0;
        chosen = 0;
        if (waiting != 0 && !sending)
            for (i = CORES - 1; i >= 0; i = i - 1)
                if (job_ready[i] && !(&taken[SLOTS*i +: SLOTS])
                    && (!idle || taken[SLOTS*i +: SLOTS] == 0)) begin
                    any = 1'b1;
                    idle = taken[SLOTS*i +: SLOTS] == 0;
                    chosen = i[CORE-1:0];
                end
        slot = 3'd0;
        for (i = SLOTS - 1; i >= 0; i = i - 1)
            if (!taken[{chosen, i[2:0]}]) slot = i[2:0];
        job_valid = 0;
        job_valid[chosen] = any;
        word_valid = 0;
        word_valid[sending ? to : chosen] = any || sending;
    end
    assign job_tag = {{13 - CORE{1'b0}}, chosen, slot};
    assign word_index = sending ? sent : 4'd0;
    wire last_word = (any || sending) && word_index + 4'd1 == need_words;

    // The payload word on the bus, encoded.
    wire [255:0] raw = words[{head, word_index[WORD-1:0]}];
    always @* begin
        word_data = raw;
        if (any || sending)
            for (i = 0; i < 32; i = i + 1)
                case (encode)
                    2'd0: word_data[8*i +: 8] = {1'b0, raw[8*i + 1 +: 7]};
                    2'd1: word_data[8*i +: 8] = {3'd0, raw[8*i + 3 +: 5]};
                    default: word_data[8*i +: 8] = raw[8*i +: 8] ^ 8'h80;
                endcase
    end

    // Book
    reg [IDENTITY+31:0] book [0:BOOK-1];
    assign {retire_row, retire_generation, retire_packet, retire_first, retire_last,
            retire_enqueue, retire_start} = book[retire_tag];

    always @(posedge clk) begin
        if (accept) begin
            for (i = 0; i < WORDS; i = i + 1)
                words[{tail, i[WORD-1:0]}] <= push_words[256*i +: 256];
            jobs[tail] <= {push_model, push_row, push_generation, push_packet, push_first,
                           push_last, now};
            tail <= tail + 1'b1;
        end
        if (last_word) head <= head + 1'b1;
        waiting <= waiting + {{PLACE{1'b0}}, accept} - {{PLACE{1'b0}}, last_word};
        if (any) begin
            to <= chosen;
            book[{chosen, slot}] <= {identity, now};
        end
        sending <= (any || sending) && !last_word;
        sent <= word_index + 4'd1;
        if (retire) taken[retire_tag] <= 1'b0;
        if (any) taken[{chosen, slot}] <= 1'b1;
        if (rst) begin
            head <= 0;
            tail <= 0;
            waiting <= 0;
            sending <= 1'b0;
            taken <= 0;
        end
    end
endmodule
