// Result table: for each row of the flow table the newest mouse and elephant verdict, each with
// the generation of its flow. Verdicts have this memory of their own, so that they never take a
// cycle from the packets. A look-up sees what was written in earlier cycles; the elephant's
// verdict stands before the mouse's.
module kal_verdicts #(
    parameter H = 10
) (
    input  wire         clk,
    input  wire         rst,
    input  wire         write,
    input  wire         write_elephant,
    input  wire [H-1:0] write_row,
    input  wire [7:0]   write_generation,
    input  wire [4:0]   write_class,
    // cycle C
    input  wire         look,
    input  wire [H-1:0] look_row,
    input  wire [7:0]   look_generation,
    // cycle D
    output wire         found,
    output wire         found_elephant,
    output wire [4:0]   found_class
);
    reg [13:0] mice [0:(1<<H)-1];  // {valid, generation, class}
    reg [13:0] elephants [0:(1<<H)-1];
    reg [13:0] mouse, elephant;
    reg [7:0]  generation;
    reg        looked;

    wire mouse_fits = mouse[13] && mouse[12:5] == generation;
    wire elephant_fits = elephant[13] && elephant[12:5] == generation;
    assign found = looked && (mouse_fits || elephant_fits);
    assign found_elephant = looked && elephant_fits;
    assign found_class = elephant_fits ? elephant[4:0] : mouse[4:0];

    integer i;
    initial
        for (i = 0; i < 1 << H; i = i + 1) begin
            mice[i] = 14'd0;
            elephants[i] = 14'd0;
        end

    always @(posedge clk) begin
        looked <= look && !rst;
        if (look) begin
            mouse <= mice[look_row];
            elephant <= elephants[look_row];
            generation <= look_generation;
        end
        if (write && !write_elephant) mice[write_row] <= {1'b1, write_generation, write_class};
        if (write && write_elephant) elephants[write_row] <= {1'b1, write_generation, write_class};
    end
endmodule
