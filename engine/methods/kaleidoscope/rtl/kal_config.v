// Configuration registers, written through the load port while nothing else needs to stop.
module kal_config (
    input  wire        clk,
    input  wire        rst,
    input  wire        write,
    input  wire [2:0]  register,
    input  wire [31:0] data,
    output reg         mouse_on,          // 0: bit 0
    output reg         elephant_on,       //    bit 1
    output reg         keep,              //    bit 2, see kal_flowtable
    output reg         every,             //    bit 3
    output reg         first_large,       //    bit 4: the HPEs take the mouse jobs; no elephants then
    output reg         with_meta,         //    bit 5: a mouse job's word 1 is the packet's metadata
    output reg  [15:0] threshold,         // 1: packets
    output reg  [31:0] byte_threshold,    // 2: IP bytes
    output reg  [31:0] timeout,           // 3: cycles, 0 for never
    output reg  [3:0]  least_stored,      // 4: payloads, 1 to 8
    output reg  [3:0]  mouse_model,       // 5: bits 3:0
    output reg  [3:0]  mouse_words,       //    bits 7:4, 1 to 4
    output reg  [1:0]  mouse_encode,      //    bits 9:8, see kal_dispatch
    output reg  [3:0]  elephant_model,    // 6: as 5, words 1 to 8
    output reg  [3:0]  elephant_words,
    output reg  [1:0]  elephant_encode
);
    always @(posedge clk)
        if (rst) begin
            {with_meta, first_large, every, keep, elephant_on, mouse_on} <= 6'd0;
            threshold <= 16'd8;
            byte_threshold <= 32'hffffffff;
            timeout <= 32'd0;
            least_stored <= 4'd8;
            {mouse_encode, mouse_words, mouse_model} <= {2'd0, 4'd1, 4'd0};
            {elephant_encode, elephant_words, elephant_model} <= {2'd0, 4'd8, 4'd0};
        end else if (write)
            case (register)
                3'd0: {with_meta, first_large, every, keep, elephant_on, mouse_on} <= data[5:0];
                3'd1: threshold <= data[15:0];
                3'd2: byte_threshold <= data;
                3'd3: timeout <= data;
                3'd4: least_stored <= data[3:0];
                3'd5: {mouse_encode, mouse_words, mouse_model} <= data[9:0];
                default: {elephant_encode, elephant_words, elephant_model} <= data[9:0];
            endcase
endmodule
