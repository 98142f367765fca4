// The sequencer of one context: program memory, its output register, and the gap counter.
//
// Two cycles lie between `start` and the first instruction at the port: the program memory is
// read, then registered, so that the choice between contexts and the address of the weight memory
// start from a register. From there on it offers one instruction a cycle.
`include "kal_pkg.vh"
`default_nettype none

module kal_fetch #(
    parameter PA = 10
) (
    input  wire          clk,
    input  wire          rst,
    input  wire          ld_valid,
    input  wire [PA-1:0] ld_addr,
    input  wire [63:0]   ld_data,
    input  wire          start,     // a job begins at start_pc
    input  wire [PA-1:0] start_pc,
    input  wire          issue,     // the instruction at the port issues in this cycle
    output wire          ready,     // there is one, and its gap has passed
    output reg  [63:0]   instr,
    output reg  [PA-1:0] pc
);
    reg [63:0]   store [0:(1<<PA)-1];
    reg [63:0]   fetched;
    reg [PA-1:0] fetched_pc, next_pc;
    reg          fetched_valid, valid;
    reg [5:0]    waited;  // cycles since the last issue of this context

    wire          advance = !valid || issue;
    wire [PA-1:0] address = start ? start_pc : next_pc;

    assign ready = valid && waited >= instr[`KAL_GAP];

    always @(posedge clk) begin
        if (ld_valid) store[ld_addr] <= ld_data;
        if (start || advance) fetched <= store[address];
    end

    always @(posedge clk) begin
        if (start || advance) begin
            fetched_pc <= address;
            next_pc    <= address + 1'b1;
        end
        if (advance) begin
            instr <= fetched;
            pc    <= fetched_pc;
        end
        if (rst || (issue && instr[`KAL_END])) begin
            fetched_valid <= 1'b0;
            valid         <= 1'b0;
        end else if (start) begin
            fetched_valid <= 1'b1;
            valid         <= 1'b0;
        end else if (advance) begin
            valid <= fetched_valid;
        end
        if (!valid || issue) waited <= 6'd0;
        else if (waited != 6'd63) waited <= waited + 6'd1;
    end
endmodule
`default_nettype wire
