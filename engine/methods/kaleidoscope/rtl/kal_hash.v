// Hash of a flow, the same for both directions: the smaller endpoint (address, port) stands first.
//
// tuple = {min address 32, min port 16, max address 32, max port 16, protocol 8}, most significant
// bit first. `hash` is CRC-16 (polynomial 0x1021, initial value 0xFFFF, no reflection, no final
// xor); `check` is CRC-8 (0x1D, 0xFF), which shares no factor with it and so tells apart flows
// that meet in one row. A CRC of a fixed length is linear: bit i is the parity of the tuple under
// a mask, found here at elaboration. That is the XOR tree that a synthesiser would find, said outright.
module kal_hash (
    input  wire [31:0] src,
    input  wire [31:0] dst,
    input  wire [15:0] sport,
    input  wire [15:0] dport,
    input  wire [7:0]  proto,
    output wire [15:0] hash,
    output wire [7:0]  check
);
    localparam integer BITS = 104;

    wire swap = {dst, dport} < {src, sport};
    wire [BITS-1:0] tuple = swap ? {dst, dport, src, sport, proto} : {src, sport, dst, dport, proto};

    // One step of each register with a zero shifted in.
    function [15:0] next16(input [15:0] r);
        next16 = {r[14:0], 1'b0} ^ (r[15] ? 16'h1021 : 16'h0000);
    endfunction

    function [7:0] next8(input [7:0] r);
        next8 = {r[6:0], 1'b0} ^ (r[7] ? 8'h1d : 8'h00);
    endfunction

    // Which bits of the tuple bit i depends on (of `hash` below 16, of `check` above): tuple bit n
    // leaves the polynomial in the register, and n zeros follow it.
    function [BITS-1:0] mask(input integer i);
        integer n;
        reg [15:0] r16;
        reg [7:0] r8;
        begin
            r16 = 16'h1021;
            r8 = 8'h1d;
            for (n = 0; n < BITS; n = n + 1) begin
                mask[n] = i < 16 ? r16[i[3:0]] : r8[i[2:0]];
                r16 = next16(r16);
                r8 = next8(r8);
            end
        end
    endfunction

    // What the initial values leave behind a tuple of zeros.
    function [23:0] of_zero(input integer steps);
        integer n;
        begin
            of_zero = 24'hffffff;
            for (n = 0; n < steps; n = n + 1)
                of_zero = {next8(of_zero[23:16]), next16(of_zero[15:0])};
        end
    endfunction

    localparam [23:0] OF_ZERO = of_zero(BITS);

    genvar g;
    generate
        for (g = 0; g < 24; g = g + 1) begin : parity
            localparam [BITS-1:0] MASK = mask(g);
            wire value = ^(tuple & MASK) ^ OF_ZERO[g];
            if (g < 16) assign hash[g] = value;
            else assign check[g - 16] = value;
        end
    endgenerate
endmodule
