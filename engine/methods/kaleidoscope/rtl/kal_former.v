// Former: joins a packet's decision (flow table, cycle C) with its payload, and makes the jobs.
//
// The payload is done in cycle C at the earliest, then the jobs go out in that cycle; else the
// decision waits here for it. One place is enough: the next packet's decision comes later than
// this one's payload. A packet whose frame was cut short makes no job.
module kal_former #(
    parameter H = 10
) (
    input  wire          clk,
    input  wire          rst,
    // cycle C
    input  wire          c_valid,
    input  wire          c_mouse,
    input  wire          c_elephant,
    input  wire          c_store,
    input  wire [3:0]    c_stored,
    input  wire [H-1:0]  c_row,
    input  wire [7:0]    c_generation,
    input  wire [31:0]   c_packet,
    input  wire [31:0]   c_first,
    input  wire [63:0]   c_meta,
    // the payload, and what the history has of the row
    input  wire          done,
    input  wire [255:0]  word,
    input  wire [2047:0] history,
    // jobs: what both say, and the elephant's words
    output wire          mouse,
    output wire          elephant,
    output wire [H-1:0]  row,
    output wire [7:0]    generation,
    output wire [31:0]   packet,
    output wire [31:0]   first,
    output wire [63:0]   meta,
    output wire          store,
    output wire [2:0]    store_bank,
    output reg  [2047:0] elephant_words
);
    reg         held_mouse, held_elephant, held_store;
    reg [3:0]   held_stored;
    reg [H-1:0] held_row;
    reg [7:0]   held_generation;
    reg [31:0]  held_packet, held_first;
    reg [63:0]  held_meta;

    wire [3:0]  stored = c_valid ? c_stored : held_stored;
    wire        storing = c_valid ? c_store : held_store;
    assign mouse = done && (c_valid ? c_mouse : held_mouse);
    assign elephant = done && (c_valid ? c_elephant : held_elephant);
    assign store = done && storing;
    assign store_bank = stored[2:0];
    assign row = c_valid ? c_row : held_row;
    assign generation = c_valid ? c_generation : held_generation;
    assign packet = c_valid ? c_packet : held_packet;
    assign first = c_valid ? c_first : held_first;
    assign meta = c_valid ? c_meta : held_meta;

    // The words stored before, this packet's own, and zeros.
    integer i;
    always @* begin
        elephant_words = 2048'd0;
        if (elephant)
            for (i = 0; i < 8; i = i + 1)
                if (i[3:0] < stored) elephant_words[256*i +: 256] = history[256*i +: 256];
                else if (i[3:0] == stored && storing) elephant_words[256*i +: 256] = word;
    end

    always @(posedge clk) begin
        if (c_valid) begin
            held_stored <= c_stored;
            held_row <= c_row;
            held_generation <= c_generation;
            held_packet <= c_packet;
            held_first <= c_first;
            held_meta <= c_meta;
        end
        held_mouse <= !rst && !done && (c_valid ? c_mouse : held_mouse);
        held_elephant <= !rst && !done && (c_valid ? c_elephant : held_elephant);
        held_store <= !rst && !done && storing;
    end
endmodule
