// Parser: the five-tuple and the place of the payload, out of the beats of a frame.
//
// Bus: 512 bits a beat, the frame's byte i of a beat in in_data[8*i +: 8]; the beats of a packet
// follow each other in order, gaps are allowed, and there is no back-pressure: what cannot be
// parsed is passed on unparsed.
//
// Understood: Ethernet II, up to two VLAN tags, IPv4 with options, IPv6 without extension headers,
// TCP with options, UDP. All those headers are multiples of four bytes behind the first 14, so
// everything of interest lies at 2 + 4k: the frame is read as 32-bit words with a fixed shift of
// two bytes, and every multiplexer here chooses words, not bytes.
//
// The header of nearly every packet is complete in its first beat (IPv4, and UDP over IPv6); else
// it is in the second. It stands in the hdr_ registers in the next cycle, until the next header.
module kal_parser (
    input  wire         clk,
    input  wire         rst,
    input  wire [31:0]  now,
    input  wire         in_valid,
    input  wire         in_sop,
    input  wire         in_eop,
    input  wire [511:0] in_data,
    input  wire [63:0]  in_meta,      // what the data plane knows of the flow, with the first beat
    output reg          hdr_valid,    // one cycle for each packet
    output reg          hdr_parsed,   // the fields below hold; else the packet passes unseen
    output reg  [31:0]  hdr_packet,   // number of the packet since reset
    output reg  [31:0]  hdr_first,    // cycle of its first beat
    output reg  [63:0]  hdr_meta,
    output reg  [31:0]  hdr_src,      // address; IPv6: its four words folded by exclusive or
    output reg  [31:0]  hdr_dst,
    output reg  [15:0]  hdr_sport,
    output reg  [15:0]  hdr_dport,
    output reg  [7:0]   hdr_proto,
    output reg  [15:0]  hdr_bytes,    // of the IP datagram, its own header included
    output reg  [15:0]  hdr_payload,  // bytes behind the TCP or UDP header
    output reg  [5:0]   hdr_start     // the payload begins at byte 2 + 4 * hdr_start of the frame
);
    localparam [7:0] TCP = 8'd6, UDP = 8'd17;

    // What the beats so far tell: the first one is kept for headers that end in the second.
    reg  [511:0]  first_beat;
    reg  [31:0]   first_cycle;
    reg  [63:0]   first_meta;
    reg  [31:0]   packets;
    reg           second;    // the next beat is a packet's second
    reg           searching; // the header of the packet on the bus is not complete
    wire [1023:0] frame = in_sop ? {512'd0, in_data} : {in_data, first_beat};

    function [31:0] swap32(input [31:0] x);
        swap32 = {x[7:0], x[15:8], x[23:16], x[31:24]};
    endfunction

    function [15:0] swap16(input [15:0] x);
        swap16 = {x[7:0], x[15:8]};
    endfunction

    function vlan(input [15:0] ethertype);
        vlan = ethertype == 16'h8100 || ethertype == 16'h88a8;
    endfunction

    reg  [15:0] ethertype;
    reg  [4:0]  ip;              // word in which the IP header begins
    reg  [4:0]  l4;              // word in which the TCP or UDP header begins
    reg  [31:0] ports;
    reg  [3:0]  version;
    reg         v4, v6, tcp, udp;
    reg  [7:0]  proto;
    reg  [3:0]  ihl, doff;       // header lengths in words
    reg  [15:0] bytes, headers;
    reg  [31:0] src, dst;
    reg         complete, parsed;

`define WORD(k) frame[{(k), 5'd16} +: 32]

    always @* begin
        ethertype = swap16(frame[12*8 +: 16]);
        ip = 5'd3;
        if (vlan(ethertype)) begin
            ethertype = swap16(frame[16*8 +: 16]);
            ip = 5'd4;
            if (vlan(ethertype)) begin
                ethertype = swap16(frame[20*8 +: 16]);
                ip = 5'd5;
            end
        end
        version = frame[{ip, 5'd20} +: 4];
        ihl = frame[{ip, 5'd16} +: 4];
        v4 = ethertype == 16'h0800 && version == 4'd4 && ihl >= 4'd5;
        v6 = ethertype == 16'h86dd && version == 4'd6;
        if (v4) begin
            // Words of the IPv4 header: 0 version, length; 1 fragment; 2 protocol; 3 source; 4 dest.
            bytes = swap16(frame[{ip + 5'd1, 5'd0} +: 16]);
            proto = frame[{ip + 5'd2, 5'd24} +: 8];
            src = swap32(`WORD(ip + 5'd3));
            dst = swap32(`WORD(ip + 5'd4));
            l4 = ip + {1'b0, ihl};
        end else begin
            bytes = swap16(frame[{ip + 5'd1, 5'd16} +: 16]) + 16'd40;
            proto = frame[{ip + 5'd2, 5'd0} +: 8];  // next header: byte 6
            src = swap32(`WORD(ip + 5'd2) ^ `WORD(ip + 5'd3) ^ `WORD(ip + 5'd4) ^ `WORD(ip + 5'd5));
            dst = swap32(`WORD(ip + 5'd6) ^ `WORD(ip + 5'd7) ^ `WORD(ip + 5'd8) ^ `WORD(ip + 5'd9));
            l4 = ip + 5'd10;
        end
        ports = `WORD(l4);
        tcp = proto == TCP;
        udp = proto == UDP;
        doff = tcp ? frame[{l4 + 5'd3, 5'd20} +: 4] : 4'd2;
        headers = {10'd0, v4 ? ihl : 4'd10, 2'd0} + {10'd0, doff, 2'd0};
        complete = !in_sop || l4 <= (tcp ? 5'd12 : 5'd14) || !(v4 || v6);
        parsed = (v4 || v6) && (udp || tcp && doff >= 4'd5) && bytes >= headers && complete
            // a later fragment has no ports
            && !(v4 && swap16(frame[{ip + 5'd2, 5'd0} +: 16]) << 3 != 16'd0);
    end

    wire found = in_valid && (in_sop || searching && second) && (complete || in_eop);

    always @(posedge clk) begin
        hdr_valid <= found && !rst;
        if (in_valid && in_sop) begin
            first_beat <= in_data;
            first_cycle <= now;
            first_meta <= in_meta;
            packets <= packets + 32'd1;
        end
        if (in_valid) begin
            second <= in_sop;
            searching <= (in_sop || searching) && !found;
        end
        if (found) begin
            hdr_parsed <= parsed;
            hdr_packet <= in_sop ? packets : packets - 32'd1;
            hdr_first <= in_sop ? now : first_cycle;
            hdr_meta <= in_sop ? in_meta : first_meta;
            hdr_src <= src;
            hdr_dst <= dst;
            hdr_sport <= swap16(ports[15:0]);
            hdr_dport <= swap16(ports[31:16]);
            hdr_proto <= proto;
            hdr_bytes <= bytes;
            hdr_payload <= bytes - headers;
            hdr_start <= {1'b0, l4} + {2'd0, doff};
        end
        if (rst) begin
            packets <= 32'd0;
            second <= 1'b0;
            searching <= 1'b0;
        end
    end
`undef WORD
endmodule
