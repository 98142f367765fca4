// Shadow data plane: packets pass in DELAY cycles, whatever the engine does, and the first beat of
// each takes along the class that the result table has for its flow, if any. It has no ready
// signal to obey; that it never stalls is measured all the same: each beat carries the cycle in
// which it came. The hash covers all beats and their order, not the class.
module kal_shadow #(
    parameter DELAY = 6
) (
    input  wire         clk,
    input  wire         rst,
    input  wire [31:0]  now,
    input  wire         in_valid,
    input  wire         in_sop,
    input  wire         in_eop,
    input  wire [511:0] in_data,
    // cycle D: the look-up for the packet of that number
    input  wire         look_valid,
    input  wire [3:0]   look_packet,
    input  wire         look_found,
    input  wire [4:0]   look_class,
    output reg          out_valid,
    output reg          out_sop,
    output reg          out_eop,
    output reg  [511:0] out_data,
    output reg          out_marked,  // with out_sop: out_class holds
    output reg  [4:0]   out_class,
    // measured
    output reg  [31:0]  packets,
    output reg  [31:0]  beats,
    output reg  [31:0]  marked,
    output reg  [31:0]  stalls,      // beats that took longer than DELAY
    output reg  [31:0]  shortest,    // delays in cycles
    output reg  [31:0]  longest,
    output reg  [63:0]  hash
);
    localparam STAMP = 32;
    reg [STAMP+513:0] pipe [0:DELAY-2];  // {stamp, sop, eop, data}
    reg [DELAY-2:0]   filled;
    reg [2:0]         at;

    reg [5:0] marks [0:15];              // {found, class} of the newest packets
    reg [3:0] leaving;                   // number of the packet whose first beat comes out next

    wire              valid = filled[at];
    wire [STAMP-1:0]  stamp;
    wire              sop, eop;
    wire [511:0]      data;
    assign {stamp, sop, eop, data} = pipe[at];
    wire [31:0]       delay = now + 32'd1 - stamp;

    // Order matters: each beat is folded to 64 bits and takes part in a multiplicative chain.
    wire [63:0] folded = data[63:0] ^ {data[126:64], data[127]} ^ {data[189:128], data[191:190]}
        ^ {data[252:192], data[255:253]} ^ {data[315:256], data[319:316]}
        ^ {data[378:320], data[383:379]} ^ {data[441:384], data[447:442]}
        ^ {data[504:448], data[511:505]} ^ {62'd0, sop, eop};

    integer i;
    initial for (i = 0; i < 16; i = i + 1) marks[i] = 6'd0;

    always @(posedge clk) begin
        at <= at == DELAY - 2 ? 3'd0 : at + 3'd1;
        filled[at] <= in_valid && !rst;
        if (in_valid) pipe[at] <= {now, in_sop, in_eop, in_data};
        if (look_valid) marks[look_packet] <= {look_found, look_class};

        out_valid <= valid && !rst;
        if (valid) begin
            out_sop <= sop;
            out_eop <= eop;
            out_data <= data;
            {out_marked, out_class} <= sop ? marks[leaving] : 6'd0;
            hash <= hash * 64'h9e3779b97f4a7c15 + folded;
            beats <= beats + 32'd1;
            if (delay != DELAY) stalls <= stalls + 32'd1;
            if (delay < shortest) shortest <= delay;
            if (delay > longest) longest <= delay;
            if (sop) begin
                packets <= packets + 32'd1;
                marked <= marked + {31'd0, marks[leaving][5]};
                marks[leaving] <= 6'd0;
                leaving <= leaving + 4'd1;
            end
        end
        if (rst) begin
            at <= 3'd0;
            filled <= 0;
            leaving <= 4'd0;
            packets <= 32'd0;
            beats <= 32'd0;
            marked <= 32'd0;
            stalls <= 32'd0;
            shortest <= 32'hffffffff;
            longest <= 32'd0;
            hash <= 64'd0;
        end
    end
endmodule
