// Flow table: 2^H rows, one read-modify-write a cycle, and the decision which packet asks for what.
//
// Cycle B: the row is read at the hash (synchronous memory). Cycle C: it is compared, counted up,
// written back, and the decision stands in the c_ outputs. A packet of the same row that follows
// immediately is read in the cycle of that write: it gets the new row in place of the old.
//
// A row belongs to the flow whose check bits it holds. It is fresh until it has been idle for more
// than `timeout` cycles (0: for ever); then whoever comes starts anew. A fresh row that another
// flow holds is a collision: under `keep` the newcomer passes untracked, else it evicts.
// `generation` counts the flows of a row, so that a late verdict finds no wrong flow.
module kal_flowtable #(
    parameter H = 10
) (
    input  wire         clk,
    input  wire         rst,
    // configuration
    input  wire         mouse_on,
    input  wire         elephant_on,
    input  wire         keep,         // collision: keep the old flow, else evict it
    input  wire         every,        // a mouse job for each packet with payload, not the first only
    input  wire [15:0]  threshold,    // packets that make an elephant
    input  wire [31:0]  byte_threshold,
    input  wire [31:0]  timeout,
    input  wire [3:0]   least_stored, // payloads stored before an elephant job is made: 1 to 8
    // cycle B: a parsed packet
    input  wire         b_valid,
    input  wire [H-1:0] b_row,
    input  wire [7:0]   b_check,
    input  wire [31:0]  b_time,       // cycle of its first beat
    input  wire [15:0]  b_bytes,
    input  wire         b_payload,    // it has some
    // cycle C: what became of it
    output reg          c_valid,
    output reg  [H-1:0] c_row,
    output wire         c_started,    // a new flow begins here
    output wire         c_expired,    // ... since the row was idle too long
    output wire         c_evicted,    // ... in the place of a fresh one
    output wire         c_kept,       // untracked: a fresh row of another flow
    output wire         c_mouse,      // make a mouse job
    output wire         c_elephant,   // make an elephant job
    output wire         c_store,      // keep the payload's first word
    output wire [3:0]   c_stored,     // payload words kept so far, without this packet's
    output wire [7:0]   c_generation,
    output wire [15:0]  c_count,      // packets of the flow, this one included; saturates
    output wire [31:0]  c_bytes       // their IP bytes; saturates
);
    // A row, from its most significant bit.
    localparam ROW = 1 + 8 + 8 + 16 + 32 + 32 + 4 + 1 + 1;
    reg [ROW-1:0] rows [0:(1<<H)-1];
    reg [ROW-1:0] row;
    reg [7:0]     c_check;
    reg [31:0]    c_time;
    reg [15:0]    c_add;
    reg           c_payload;

    wire        valid;
    wire [7:0]  check, generation;
    wire [15:0] count;
    wire [31:0] bytes, last;
    wire [3:0]  stored;
    wire        mouse, elephant;  // the flow has had its mouse, its elephant job
    assign {valid, check, generation, count, bytes, last, stored, mouse, elephant} = row;

    wire idle = timeout != 32'd0 && c_time - last > timeout;
    wire same = check == c_check;
    assign c_expired = c_valid && valid && idle;
    assign c_evicted = c_valid && valid && !idle && !same && !keep;
    assign c_kept = c_valid && valid && !idle && !same && keep;
    assign c_started = c_valid && (!valid || idle || !same && !keep);

    // The flow as this packet finds it: its own row, or an empty one.
    wire [15:0] count_before = c_started ? 16'd0 : count;
    wire [31:0] bytes_before = c_started ? 32'd0 : bytes;
    wire        mouse_before = !c_started && mouse;
    wire        elephant_before = !c_started && elephant;
    assign c_stored = c_started ? 4'd0 : stored;
    assign c_generation = generation + {7'd0, c_started};

    wire [32:0] sum = {1'b0, bytes_before} + {17'd0, c_add};
    assign c_count = count_before == 16'hffff ? 16'hffff : count_before + 16'd1;
    assign c_bytes = sum[32] ? 32'hffffffff : sum[31:0];
    wire tracked = c_valid && !c_kept;
    assign c_store = tracked && c_payload && c_stored < 4'd8;
    wire [3:0] stored_after = c_stored + {3'd0, c_store};
    wire heavy = c_count >= threshold || c_bytes >= byte_threshold;
    assign c_mouse = mouse_on && c_payload && tracked && (every || !mouse_before);
    assign c_elephant = elephant_on && tracked && !elephant_before && heavy
                        && stored_after >= least_stored;

    wire [ROW-1:0] written = {
        1'b1, c_check, c_generation, c_count, c_bytes, c_time, stored_after,
        mouse_before || c_mouse, elephant_before || c_elephant
    };

    integer i;
    initial for (i = 0; i < 1 << H; i = i + 1) rows[i] = {ROW{1'b0}};

    always @(posedge clk) begin
        c_valid <= b_valid && !rst;
        if (b_valid) begin
            row <= tracked && c_row == b_row ? written : rows[b_row];
            c_row <= b_row;
            c_check <= b_check;
            c_time <= b_time;
            c_add <= b_bytes;
            c_payload <= b_payload;
        end
        if (tracked) rows[c_row] <= written;
    end
endmodule
