// The activations of one context: 64 words of 32 bytes, one write and two reads a cycle.
//
// A read sees the write of the same cycle (forwarding), which makes the distance between
// dependent instructions one shorter. The payload has the write port in cycles 0 to 7 of a job;
// no result can be ready before cycle 9.
`default_nettype none

module kal_store (
    input  wire         clk,
    input  wire         payload_valid,
    input  wire [5:0]   payload_word,
    input  wire [255:0] payload_data,
    input  wire         write_valid,
    input  wire [5:0]   write_word,
    input  wire [3:0]   write_mask,   // quarters of 8 bytes
    input  wire [255:0] write_data,
    input  wire [5:0]   read_a,
    input  wire [5:0]   read_b,
    output wire [255:0] a,
    output wire [255:0] b
);
    wire [5:0]   address = payload_valid ? payload_word : write_word;
    wire [255:0] data    = payload_valid ? payload_data : write_data;
    wire         same_a  = write_valid && write_word == read_a;
    wire         same_b  = write_valid && write_word == read_b;

    genvar q;
    generate
        for (q = 0; q < 4; q = q + 1) begin : quarter
            reg [63:0] bytes [0:63];
            always @(posedge clk)
                if (payload_valid || (write_valid && write_mask[q]))
                    bytes[address] <= data[64*q +: 64];
            assign a[64*q +: 64] =
                same_a && write_mask[q] ? write_data[64*q +: 64] : bytes[read_a];
            assign b[64*q +: 64] =
                same_b && write_mask[q] ? write_data[64*q +: 64] : bytes[read_b];
        end
    endgenerate
endmodule
`default_nettype wire
