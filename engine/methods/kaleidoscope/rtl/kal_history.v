// History: for each row of the flow table the first 32 bytes of its first eight payloads, the
// input of the elephant model. Eight banks, so that all words of a row are read at once, and one
// of them is written. A read in the cycle of a write to its row sees the new word: the packet
// before may have been of the same flow.
module kal_history #(
    parameter H = 10
) (
    input  wire          clk,
    input  wire          read,
    input  wire [H-1:0]  read_row,
    input  wire          write,
    input  wire [H-1:0]  write_row,
    input  wire [2:0]    write_bank,
    input  wire [255:0]  write_word,
    output wire [2047:0] words     // of the row last read
);
    genvar g;
    generate
        for (g = 0; g < 8; g = g + 1) begin : bank
            reg [255:0] memory [0:(1<<H)-1];
            reg [255:0] word;
            wire here = write && write_bank == g;
            assign words[256*g +: 256] = word;
            always @(posedge clk) begin
                if (here) memory[write_row] <= write_word;
                if (read) word <= here && write_row == read_row ? write_word : memory[read_row];
            end
        end
    endgenerate
endmodule
