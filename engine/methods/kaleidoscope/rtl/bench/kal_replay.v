// Replay bench: plays a stimulus file into kal_top and writes down what comes out. The same file
// runs in Verilator (clock: kal_replay.cpp) and in Icarus (clock: kal_replay_tb.v), so that both
// read and write the same bytes. Nothing expected is computed here: replay.py compares.
//
// stimulus.bin: records, each of four big-endian 32-bit words {kind, cycle, a, b} and data.
//   0 end
//   1 packet      first beat not before `cycle`; a = {metadata 1, beats on the bus 31}; where
//                 `metadata` is set, 8 bytes of it follow, byte 7 first; then the first b of the
//                 beats (64 bytes each, byte 63 first), the others are zero
//   2 job         put into the dispatchers not before `cycle`; a = {elephant, droppable, model 4},
//                 b its number; 256 bytes of payload follow, byte 255 first
//   3 load        a = {group 8, kind 8, part 8}, b address; 32 bytes of data, byte 31 first
//   4 option      a which, b its value: 0 log packets, 1 period of depths, 2 and 3 from which to
//                 which cycle issues are logged, 4 and 5 the same of the waveform
// Cycle 0 is that of the first packet or job, after all loads before it; in the results it is
// `base`, at the head of counters.bin.
//
// Results, little-endian, the dtypes are in results.py:
//   verdicts.bin  one record for each verdict
//   packets.bin   one for each parsed packet, as the flow table saw it
//   depths.bin    FIFO depths, drops and busy contexts, for each period
//   issues.bin    issue events of all cores in a window of cycles
//   counters.bin  base, then the 256 counters of kal_top
// and on the standard output, in each cycle with `tell` and at the end, a line: `progress`, cycles,
// verdicts, the most jobs in each FIFO since the last line, drops of each, busy cycles of each core.
module kal_replay #(
    parameter N_FPE = 8,
    parameter N_HPE = 1,
    parameter H = 10,
    parameter CONTEXTS = 1,
    parameter MOUSE_DEPTH = 64,
    parameter ELEPHANT_DEPTH = 16
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        tell,      // write a line of progress
    output wire        wave       // this cycle belongs to the waveform
);
    localparam CORES = N_FPE + N_HPE;
    localparam [31:0] END = 0, PACKET = 1, JOB = 2, LOAD = 3;
    localparam REST = 64;  // idle cycles that end the run

    // kal_top
    reg          in_valid, in_sop, in_eop, ld_valid, inj_valid, inj_droppable, inj_elephant;
    reg  [511:0] in_data;
    reg  [63:0]  in_meta;
    reg  [1:0]   ld_group;
    reg  [2:0]   ld_kind;
    reg  [15:0]  ld_addr;
    reg  [5:0]   ld_part;
    reg  [255:0] ld_data;
    reg  [3:0]   inj_model;
    reg  [31:0]  inj_packet;
    reg  [2047:0] inj_words;
    reg  [7:0]   stat_index;
    wire         inj_ready, idle;
    wire [31:0]  stat_value, now;

    wire         pkt_valid, pkt_found, pkt_found_elephant;
    wire [31:0]  pkt_packet, pkt_bytes;
    wire [15:0]  pkt_hash, pkt_count;
    wire [7:0]   pkt_flags, pkt_generation;
    wire [3:0]   pkt_stored;
    wire [4:0]   pkt_class;

    wire         verdict_valid, verdict_elephant, verdict_anomaly;
    wire [31:0]  verdict_packet, verdict_first, verdict_last, verdict_enqueue, verdict_start;
    wire [31:0]  verdict_done, verdict_score;
    wire [7:0]   verdict_core;
    wire [H-1:0] verdict_row;
    wire [7:0]   verdict_generation;
    wire [4:0]   verdict_class;
    wire [1023:0] verdict_logits;

    wire         mouse_dropped, elephant_dropped;
    wire [15:0]  mouse_depth, elephant_depth;
    wire [4*CORES-1:0]  busy;
    wire [CORES-1:0]    issue;
    wire [2*CORES-1:0]  context_;
    wire [16*CORES-1:0] pc;
    wire [4*CORES-1:0]  op;

    kal_top #(
        .N_FPE(N_FPE), .N_HPE(N_HPE), .H(H), .CONTEXTS(CONTEXTS), .MOUSE_DEPTH(MOUSE_DEPTH),
        .ELEPHANT_DEPTH(ELEPHANT_DEPTH)
    ) top (
        /* verilator lint_off PINCONNECTEMPTY */
        .out_valid(), .out_sop(), .out_eop(), .out_data(), .out_marked(), .out_class(),
        /* verilator lint_on PINCONNECTEMPTY */
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_sop(in_sop), .in_eop(in_eop),
        .in_data(in_data), .in_meta(in_meta), .ld_valid(ld_valid), .ld_group(ld_group),
        .ld_kind(ld_kind), .ld_addr(ld_addr), .ld_part(ld_part), .ld_data(ld_data), .inj_valid(inj_valid),
        .inj_droppable(inj_droppable), .inj_elephant(inj_elephant), .inj_model(inj_model),
        .inj_packet(inj_packet), .inj_words(inj_words), .inj_ready(inj_ready),
        .pkt_valid(pkt_valid), .pkt_packet(pkt_packet), .pkt_hash(pkt_hash),
        .pkt_flags(pkt_flags), .pkt_generation(pkt_generation), .pkt_stored(pkt_stored),
        .pkt_count(pkt_count), .pkt_bytes(pkt_bytes), .pkt_found(pkt_found),
        .pkt_found_elephant(pkt_found_elephant), .pkt_class(pkt_class),
        .verdict_valid(verdict_valid), .verdict_elephant(verdict_elephant),
        .verdict_packet(verdict_packet), .verdict_first(verdict_first),
        .verdict_last(verdict_last), .verdict_enqueue(verdict_enqueue),
        .verdict_start(verdict_start), .verdict_done(verdict_done),
        .verdict_core(verdict_core), .verdict_row(verdict_row),
        .verdict_generation(verdict_generation), .verdict_class(verdict_class),
        .verdict_score(verdict_score), .verdict_anomaly(verdict_anomaly),
        .verdict_logits(verdict_logits), .mouse_dropped(mouse_dropped),
        .elephant_dropped(elephant_dropped), .mouse_depth(mouse_depth),
        .elephant_depth(elephant_depth), .trace_busy(busy), .trace_issue(issue),
        .trace_context(context_), .trace_pc(pc), .trace_op(op), .idle(idle), .now(now),
        .stat_index(stat_index), .stat_value(stat_value)
    );

    task fail(input [8*40-1:0] why);
        begin
            $display("error: %0s in cycle %0d", why, now);
            $fatal;
        end
    endtask

    // Stimulus
    integer      stimulus, got;
    reg  [31:0]  kind, at, a, b, base, beats, stored, rest;
    reg          fetched, timed, reading;
    reg  [2047:0] words;
    reg  [511:0] beat;
    reg  [63:0]  meta;
    reg  [255:0] data;
    reg  [31:0]  options [0:5];
    wire [31:0]  age = now - base;
    wire         in_window = timed && age >= options[2] && age < options[3];
    assign       wave = timed && age >= options[4] && age < options[5];

    // A file is read step by step: blocking assignments are meant here.
    /* verilator lint_off BLKSEQ */
    task fetch;
        begin
            got = $fread(kind, stimulus) + $fread(at, stimulus) + $fread(a, stimulus)
                + $fread(b, stimulus);
            if (got != 16) fail("stimulus ends early");
            if ((kind == PACKET || kind == JOB) && !timed) begin
                timed = 1'b1;
                base = now + 32'd2;  // it is played in the next cycle at the earliest
            end
        end
    endtask

    task send_beat(input first);
        begin
            beat = 512'd0;
            if (stored != 0) begin
                got = $fread(beat, stimulus);
                if (got != 64) fail("stimulus ends early");
                stored = stored - 1;
            end
            beats = beats - 1;
            in_valid <= 1'b1;
            in_sop <= first;
            in_eop <= beats == 0;
            in_data <= beat;
        end
    endtask

    // What a record asks for, in one cycle; the next record is then at hand.
    task play;
        begin
            case (kind)
                PACKET: begin
                    beats = {1'b0, a[30:0]};
                    stored = b;
                    meta = 64'd0;
                    if (a[31]) got = $fread(meta, stimulus);
                    in_meta <= meta;
                    send_beat(1'b1);
                end
                JOB: begin
                    got = $fread(words, stimulus);
                    inj_valid <= 1'b1;
                    {inj_elephant, inj_droppable, inj_model} <= a[5:0];
                    inj_packet <= b;
                    inj_words <= words;
                end
                LOAD: begin
                    got = $fread(data, stimulus);
                    ld_valid <= 1'b1;
                    ld_group <= a[17:16];
                    ld_kind <= a[10:8];
                    ld_part <= a[5:0];
                    ld_addr <= b[15:0];
                    ld_data <= data;
                end
                default: options[a[2:0]] = b;
            endcase
        end
    endtask

    wire held = inj_valid && !inj_ready && !inj_droppable;

    always @(posedge clk) begin
        in_valid <= 1'b0;
        ld_valid <= 1'b0;
        if (!held) inj_valid <= 1'b0;
        if (rst) begin
            inj_valid <= 1'b0;
            inj_elephant <= 1'b0;
            beats = 0;
            fetched = 1'b0;
            timed = 1'b0;
            base = 0;
            rest = 0;
            reading = 1'b0;
        end else if (reading) begin
            $fwrite(counter_file, "%u", stat_value);
            stat_index <= stat_index + 8'd1;
            if (stat_index == 8'd255) begin
                $fclose(counter_file);
                $fclose(verdict_file);
                $fclose(packet_file);
                $fclose(depth_file);
                $fclose(issue_file);
                progress;
                $finish;
            end
        end else if (beats != 0) begin
            send_beat(1'b0);
        end else begin
            if (!fetched) fetch;
            fetched = 1'b1;
            if (kind == END) begin
                rest = idle && !inj_valid ? rest + 1 : 0;
                if (rest == REST) begin
                    reading = 1'b1;
                    stat_index <= 8'd0;
                    $fwrite(counter_file, "%u", base);
                end
            end else if (!((kind == PACKET || kind == JOB) && now + 1 < base + at)
                         && !(kind == JOB && held)) begin
                play;
                fetched = 1'b0;
            end
        end
        // The next record is read while this one is played, so that none waits for the file.
        if (!rst && !reading && beats == 0 && !fetched) begin
            fetch;
            fetched = 1'b1;
        end
    end

    /* verilator lint_on BLKSEQ */

    // Results
    integer    verdict_file, packet_file, depth_file, issue_file, counter_file, n;
    reg [3:0]  busy_before [0:CORES-1];
    reg [31:0] verdicts, mouse_drops, elephant_drops, busy_sum, passed;
    reg [15:0] mouse_most, elephant_most, mouse_peak, elephant_peak;

    initial begin
        for (n = 0; n < 6; n = n + 1) options[n] = 0;
        stimulus = $fopen("stimulus.bin", "rb");
        verdict_file = $fopen("verdicts.bin", "wb");
        packet_file = $fopen("packets.bin", "wb");
        depth_file = $fopen("depths.bin", "wb");
        issue_file = $fopen("issues.bin", "wb");
        counter_file = $fopen("counters.bin", "wb");
        if (stimulus == 0) fail("stimulus.bin cannot be read");
        if (counter_file == 0) fail("the results cannot be written");
    end

    // Counters 11 and 15 of kal_top are its drops, those from 32 on the busy cycles of its cores.
    task progress;
        integer core;
        begin
            $write("progress %0d %0d %0d %0d %0d %0d", timed ? age : 32'd0, verdicts, mouse_peak,
                   elephant_peak, top.counters.counts[11], top.counters.counts[15]);
            for (core = 0; core < CORES; core = core + 1)
                $write(" %0d", top.counters.counts[32 + core]);
            $write("\n");
            $fflush;
        end
    endtask

    always @(posedge clk)
        if (rst) {mouse_peak, elephant_peak} <= 32'd0;
        else begin
            if (tell || mouse_depth > mouse_peak) mouse_peak <= mouse_depth;
            if (tell || elephant_depth > elephant_peak) elephant_peak <= elephant_depth;
            if (tell) progress;
        end

    always @(posedge clk)
        if (rst) begin
            verdicts <= 32'd0;
            {mouse_drops, elephant_drops, busy_sum, passed} <= 128'd0;
            {mouse_most, elephant_most} <= 32'd0;
            for (n = 0; n < CORES; n = n + 1) busy_before[n] <= 4'd0;
        end else begin
            if (verdict_valid) begin
                verdicts <= verdicts + 32'd1;
                if (^{verdict_class, verdict_score, verdict_logits} === 1'bx) fail("unknown bits");
                $fwrite(verdict_file, "%u", {
                    verdict_logits, 31'd0, verdict_anomaly, verdict_score, 27'd0, verdict_class,
                    8'd0, verdict_generation, 16'(verdict_row),
                    24'd0, verdict_core, verdict_done,
                    verdict_start, verdict_enqueue, verdict_last, verdict_first,
                    31'd0, verdict_elephant, verdict_packet});
            end
            if (pkt_valid && options[0] != 0)
                $fwrite(packet_file, "%u", {
                    now - 32'd1, pkt_bytes, pkt_found, pkt_found_elephant, 1'b0, pkt_class,
                    4'd0, pkt_stored, pkt_count, pkt_flags, pkt_generation, pkt_hash, pkt_packet});
            // Depths: the most in each period, and what has been dropped by its end.
            if (options[1] != 0) begin
                passed <= passed + 32'd1;
                if (mouse_depth > mouse_most) mouse_most <= mouse_depth;
                if (elephant_depth > elephant_most) elephant_most <= elephant_depth;
                busy_sum <= busy_sum + $countones(busy);
                mouse_drops <= mouse_drops + {31'd0, mouse_dropped};
                elephant_drops <= elephant_drops + {31'd0, elephant_dropped};
                if (passed + 32'd1 == options[1]) begin
                    $fwrite(depth_file, "%u", {elephant_drops, mouse_drops, busy_sum,
                                               elephant_most, mouse_most, now});
                    passed <= 32'd0;
                    busy_sum <= $countones(busy);
                    mouse_most <= mouse_depth;
                    elephant_most <= elephant_depth;
                end
            end
            // Issues: an event where a core issues, or where its contexts come and go.
            if (in_window)
                for (n = 0; n < CORES; n = n + 1) begin
                    if (issue[n] || busy[4*n +: 4] != busy_before[n])
                        $fwrite(issue_file, "%u", {
                            16'd0, 7'd0, issue[n], 4'd0, busy[4*n +: 4],
                            issue[n] ? {2'd0, context_[2*n +: 2], op[4*n +: 4], n[7:0],
                                        pc[16*n +: 16]}
                                     : {8'd0, n[7:0], 16'd0},
                            now});
                    busy_before[n] <= busy[4*n +: 4];
                end
        end
endmodule
