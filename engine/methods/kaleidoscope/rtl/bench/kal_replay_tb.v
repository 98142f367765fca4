// Clock, reset, progress and waveform (wave.vcd) for the replay bench in Icarus Verilog. A time
// unit is a nanosecond: 250 MHz.
module kal_replay_tb;
    parameter N_FPE = 8;
    parameter N_HPE = 1;
    parameter H = 10;
    parameter CONTEXTS = 1;
    parameter MOUSE_DEPTH = 64;
    parameter ELEPHANT_DEPTH = 16;
    localparam PROGRESS = 256;  // cycles between two lines

    reg         clk = 1'b0, rst = 1'b1;
    reg         tell = 1'b0;
    reg  [31:0] cycle = 0;
    wire        wave;
    kal_replay #(
        .N_FPE(N_FPE), .N_HPE(N_HPE), .H(H), .CONTEXTS(CONTEXTS), .MOUSE_DEPTH(MOUSE_DEPTH),
        .ELEPHANT_DEPTH(ELEPHANT_DEPTH)
    ) bench (
        .clk(clk), .rst(rst), .tell(tell), .wave(wave)
    );

    always #2 clk = !clk;
    initial begin
        #9 rst = 1'b0;  // away from the clock's edges
    end

    reg drawn = 1'b0;
    always @(negedge clk)
        if (!rst) begin
            if (wave && !drawn) begin
                $dumpfile("wave.vcd");
                $dumpvars(0, bench);
            end
            if (drawn && !wave) $dumpoff;
            drawn = wave;
            cycle = cycle + 1;
            tell = cycle % PROGRESS == 0;
        end
endmodule
