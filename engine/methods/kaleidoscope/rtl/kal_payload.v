// Payload: the first 32, 64, 96 or 128 bytes behind the headers, shifted to begin at byte 0.
//
// The payload begins at byte 2 + 4k of some beat, so 64 bytes of it (a chunk) are cut out of two
// beats by one shift in steps of four bytes. The beat on the bus takes part in the same cycle:
// `done` comes in the cycle after the beat with the last needed byte, or two after it where the
// header came in that very beat. Only a need that ends inside the second chunk, in a beat that
// also ends the first, costs one cycle more. Bytes behind the payload's end read as zero.
module kal_payload (
    input  wire          clk,
    input  wire          rst,
    input  wire [31:0]   now,
    input  wire          in_valid,
    input  wire          in_sop,
    input  wire [511:0]  in_data,
    input  wire          hdr_valid,
    input  wire          hdr_parsed,
    input  wire [15:0]   hdr_payload,
    input  wire [5:0]    hdr_start,
    input  wire [2:0]    need_words,  // of 32 bytes: 1 to 4
    output reg           done,        // the words stand until another packet's are done
    output reg  [1023:0] words,
    output reg  [31:0]   done_word,   // cycle of the beat that carried the last byte of word 0
    output reg  [31:0]   done_last,   // the same of the last needed word
    output reg           cut          // the frame ended before its header said: no job
);
    reg [511:0] beat;        // the newest beat that has left the bus
    reg [2:0]   beat_index;  // within its packet, 7 and more are 7
    reg [31:0]  beat_cycle;

    reg         waiting;
    reg         second;      // the chunk that comes next is the second
    wire        active = hdr_valid ? hdr_parsed : waiting;
    wire        chunk = !hdr_valid && second;

    wire [7:0]  most = {need_words, 5'd0};
    wire [7:0]  need = hdr_payload < {8'd0, most} ? hdr_payload[7:0] : most;
    wire [7:0]  left = chunk ? need - 8'd64 : need;
    wire        final_chunk = left <= 8'd64;
    wire [6:0]  count = final_chunk ? left[6:0] : 7'd64;

    // Where the chunk lies: from byte 2 + 4k of beat `from`, and whether it spans two beats.
    wire [3:0]  k = hdr_start[3:0];
    wire [2:0]  from = {1'b0, hdr_start[5:4]} + {2'd0, chunk};
    wire [7:0]  offset = {2'd0, k, 2'd2};
    wire        spans = offset + {1'b0, count} > 8'd64;
    wire        word_spans = offset + (count < 7'd32 ? {1'b0, count} : 8'd32) > 8'd64;

    wire        bus = in_valid && !in_sop;
    wire        in_beat = beat_index == from;
    wire        on_bus = bus && beat_index + 3'd1 == from && from != 3'd0;
    wire        take = active && need != 8'd0
                       && (in_beat && (bus || !spans) || on_bus && !spans);
    wire        finish = active && need == 8'd0 || take && final_chunk;

    wire [1023:0] pair = in_beat ? {bus ? in_data : 512'd0, beat} : {512'd0, in_data};
    wire [511:0]  shifted = pair[{1'b0, k, 5'd16} +: 512];

    reg [511:0] kept;
    integer i;
    always @* begin
        kept = 512'd0;
        if (take)
            for (i = 0; i < 64; i = i + 1)
                if (i[6:0] < count) kept[8*i +: 8] = shifted[8*i +: 8];
    end

    always @(posedge clk) begin
        done <= finish && !rst;
        cut <= active && !finish && in_valid && in_sop && !rst;
        waiting <= active && !finish && !(in_valid && in_sop) && !rst;
        second <= chunk || take;
        if (in_valid) begin
            beat <= in_data;
            beat_cycle <= now;
            beat_index <= in_sop ? 3'd0 : beat_index == 3'd7 ? 3'd7 : beat_index + 3'd1;
        end
        if (take && chunk) words[1023:512] <= kept;
        if (take && !chunk) words <= {512'd0, kept};
        if (active && need == 8'd0) words <= 1024'd0;
        if ((take || finish) && !chunk)
            done_word <= take && (in_beat && word_spans || on_bus) ? now : beat_cycle;
        if (take || finish)
            done_last <= take && (in_beat && spans || on_bus) ? now : beat_cycle;
    end
endmodule
