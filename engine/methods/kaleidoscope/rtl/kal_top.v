// Top: the whole co-processor beside its data plane.
//
//   beats --+--> kal_shadow: fixed delay, class of the flow attached ---------------> beats
//           |                                                    ^ look-up
//           +--> kal_parser -> kal_hash -> kal_flowtable -> kal_verdicts <--------------+
//           |        |                       | decision                                 |
//           +--> kal_payload ---------> kal_former -> kal_dispatch -> kal_core ... -> kal_out
//                                            |   one for mice (FPEs), one for elephants (HPEs)
//                                       kal_history
//
// Cycles, for a packet whose header and last needed payload byte are in the beat of cycle 0:
//   0 parse   1 hash, payload shift, table read   2 table write, decision, job into its FIFO
//   3 a core accepts   3 + T verdict out of the core and into the result table (T: of the core).
// Where the last needed byte comes in a later beat than the header, its cycle 0 is the header's
// 1 or later, and a core accepts in cycle 2.
//
// A mouse job takes the first payload, with `with_meta` also 8 bytes that came beside the packet
// (they are its second word), and goes to the HPEs with `first_large`. An elephant's takes the history.
//
// Jobs can also be put straight into the dispatchers (inj_), for a study of the cores alone.
// pkt_, verdict_, trace_ and stat_ are for the bench: they follow, and nothing depends on them.
module kal_top #(
    parameter N_FPE = 8,
    parameter N_HPE = 1,           // 0: no elephants
    parameter H = 10,              // 2^H rows
    parameter CONTEXTS = 1,        // of each core: 1, or 2 and 4 (barrel)
    parameter MOUSE_DEPTH = 64,    // of the job FIFOs: powers of two
    parameter ELEPHANT_DEPTH = 16,
    parameter CORES = N_FPE + N_HPE
) (
    input  wire                clk,
    input  wire                rst,
    // packets in
    input  wire                in_valid,
    input  wire                in_sop,
    input  wire                in_eop,
    input  wire [511:0]        in_data,
    input  wire [63:0]         in_meta,  // with the first beat: see kal_parser
    // packets out
    output wire                out_valid,
    output wire                out_sop,
    output wire                out_eop,
    output wire [511:0]        out_data,
    output wire                out_marked,
    output wire [4:0]          out_class,
    // load: group 0 FPEs, 1 HPEs, 2 configuration registers
    input  wire                ld_valid,
    input  wire [1:0]          ld_group,
    input  wire [2:0]          ld_kind,
    input  wire [15:0]         ld_addr,
    input  wire [5:0]          ld_part,
    input  wire [255:0]        ld_data,
    // jobs in; a job that finds no room is held, or dropped where it may be
    input  wire                inj_valid,
    input  wire                inj_droppable,
    input  wire                inj_elephant,
    input  wire [3:0]          inj_model,
    input  wire [31:0]         inj_packet,
    input  wire [2047:0]       inj_words,
    output wire                inj_ready,
    // each parsed packet, as the flow table saw it in the cycle before
    output reg                 pkt_valid,
    output reg  [31:0]         pkt_packet,
    output reg  [15:0]         pkt_hash,   // its low bits are the row
    output reg  [7:0]          pkt_flags,  // elephant, mouse, store, kept, evicted, expired, started
    output reg  [7:0]          pkt_generation,
    output reg  [3:0]          pkt_stored,
    output reg  [15:0]         pkt_count,
    output reg  [31:0]         pkt_bytes,
    output wire                pkt_found,  // the flow has a verdict
    output wire                pkt_found_elephant,
    output wire [4:0]          pkt_class,
    // each verdict, in the cycle after its writing
    output reg                 verdict_valid,
    output reg                 verdict_elephant,
    output reg  [31:0]         verdict_packet,
    output reg  [31:0]         verdict_first,
    output reg  [31:0]         verdict_last,
    output reg  [31:0]         verdict_enqueue,
    output reg  [31:0]         verdict_start,
    output reg  [31:0]         verdict_done,
    output reg  [7:0]          verdict_core,
    output reg  [H-1:0]        verdict_row,
    output reg  [7:0]          verdict_generation,
    output reg  [4:0]          verdict_class,
    output reg  [31:0]         verdict_score,
    output reg                 verdict_anomaly,
    output reg  [1023:0]       verdict_logits,
    // the cores and the FIFOs, now
    output wire                mouse_dropped,
    output wire                elephant_dropped,
    output wire [15:0]         mouse_depth,
    output wire [15:0]         elephant_depth,
    output wire [4*CORES-1:0]  trace_busy,  // contexts
    output wire [CORES-1:0]    trace_issue,
    output wire [2*CORES-1:0]  trace_context,
    output wire [16*CORES-1:0] trace_pc,
    output wire [4*CORES-1:0]  trace_op,
    output wire                idle,
    output reg  [31:0]         now,         // cycles since reset
    // counters: `events` below; 32 + i busy cycles, 32 + CORES + i issues of core i; 248 the shadow's
    input  wire [7:0]          stat_index,
    output wire [31:0]         stat_value
);
    localparam FPE = 8, HPE = 32;  // lanes
    localparam PA = 10, WA = 8;    // address bits of program and weights
    localparam CORE = CORES > 1 ? $clog2(CORES) : 1;
    localparam CONTEXT = CONTEXTS > 1 ? $clog2(CONTEXTS) : 1;
    localparam MICE = N_FPE > 1 ? $clog2(N_FPE) : 1;
    localparam ELEPHANTS = N_HPE > 1 ? $clog2(N_HPE) : 1;

    always @(posedge clk) now <= rst ? 32'd0 : now + 32'd1;

    // Configuration
    wire        mouse_on, elephant_on, keep, every, first_large, with_meta;
    wire [15:0] threshold;
    wire [31:0] byte_threshold, timeout;
    wire [3:0]  least_stored, mouse_model, mouse_words, elephant_model, elephant_words;
    wire [1:0]  mouse_encode, elephant_encode;
    kal_config config_registers (
        .clk(clk), .rst(rst), .write(ld_valid && ld_group == 2'd2), .register(ld_addr[2:0]),
        .data(ld_data[31:0]), .mouse_on(mouse_on), .elephant_on(elephant_on), .keep(keep),
        .every(every), .first_large(first_large), .with_meta(with_meta), .threshold(threshold),
        .byte_threshold(byte_threshold), .timeout(timeout),
        .least_stored(least_stored), .mouse_model(mouse_model), .mouse_words(mouse_words),
        .mouse_encode(mouse_encode), .elephant_model(elephant_model),
        .elephant_words(elephant_words), .elephant_encode(elephant_encode)
    );

    // Cycle B: header and hash
    wire        hdr_valid, hdr_parsed;
    wire [31:0] hdr_packet, hdr_first, hdr_src, hdr_dst;
    wire [63:0] hdr_meta;
    wire [15:0] hdr_sport, hdr_dport, hdr_bytes, hdr_payload, hash;
    wire [7:0]  hdr_proto, check;
    wire [5:0]  hdr_start;
    kal_parser parser (
        .clk(clk), .rst(rst), .now(now), .in_valid(in_valid), .in_sop(in_sop), .in_eop(in_eop),
        .in_data(in_data), .in_meta(in_meta), .hdr_valid(hdr_valid), .hdr_parsed(hdr_parsed),
        .hdr_packet(hdr_packet), .hdr_first(hdr_first), .hdr_meta(hdr_meta), .hdr_src(hdr_src), .hdr_dst(hdr_dst),
        .hdr_sport(hdr_sport), .hdr_dport(hdr_dport), .hdr_proto(hdr_proto),
        .hdr_bytes(hdr_bytes), .hdr_payload(hdr_payload), .hdr_start(hdr_start)
    );
    kal_hash hasher (
        .src(hdr_src), .dst(hdr_dst), .sport(hdr_sport), .dport(hdr_dport), .proto(hdr_proto),
        .hash(hash), .check(check)
    );
    wire         b_valid = hdr_valid && hdr_parsed;
    wire [H-1:0] b_row = hash[H-1:0];
    wire         b_payload = hdr_payload != 16'd0;

    wire          done, cut;
    wire [1023:0] payload;
    wire [31:0]   done_word, done_last;
    kal_payload aligner (
        .clk(clk), .rst(rst), .now(now), .in_valid(in_valid), .in_sop(in_sop), .in_data(in_data),
        .hdr_valid(hdr_valid), .hdr_parsed(hdr_parsed), .hdr_payload(hdr_payload),
        .hdr_start(hdr_start), .need_words(mouse_words[2:0] - {2'd0, with_meta}), .done(done), .words(payload),
        .done_word(done_word), .done_last(done_last), .cut(cut)
    );

    // Cycle C: decision
    wire         c_valid, c_started, c_expired, c_evicted, c_kept;
    wire         c_mouse, c_elephant, c_store;
    wire [H-1:0] c_row;
    wire [3:0]   c_stored;
    wire [7:0]   c_generation;
    wire [15:0]  c_count;
    wire [31:0]  c_bytes;
    reg  [31:0]  c_packet, c_first;
    reg  [15:0]  c_hash;
    reg  [63:0]  c_meta;
    kal_flowtable #(.H(H)) table_ (
        .clk(clk), .rst(rst), .mouse_on(mouse_on), .elephant_on(elephant_on), .keep(keep),
        .every(every), .threshold(threshold), .byte_threshold(byte_threshold), .timeout(timeout),
        .least_stored(least_stored), .b_valid(b_valid), .b_row(b_row), .b_check(check),
        .b_time(hdr_first), .b_bytes(hdr_bytes), .b_payload(b_payload), .c_valid(c_valid),
        .c_row(c_row), .c_started(c_started), .c_expired(c_expired),
        .c_evicted(c_evicted), .c_kept(c_kept), .c_mouse(c_mouse), .c_elephant(c_elephant),
        .c_store(c_store), .c_stored(c_stored), .c_generation(c_generation), .c_count(c_count),
        .c_bytes(c_bytes)
    );
    always @(posedge clk)
        if (hdr_valid) begin
            c_packet <= hdr_packet;
            c_first <= hdr_first;
            c_hash <= hash;
            c_meta <= hdr_meta;
        end

    // Jobs
    wire          mouse, elephant, store;
    wire [2:0]    store_bank;
    wire [H-1:0]  row;
    wire [7:0]    generation;
    wire [31:0]   packet, first;
    wire [63:0]   meta;
    wire [2047:0] history, elephant_payload;
    kal_former #(.H(H)) former (
        .clk(clk), .rst(rst), .c_valid(c_valid), .c_mouse(c_mouse), .c_elephant(c_elephant),
        .c_store(c_store), .c_stored(c_stored), .c_row(c_row), .c_generation(c_generation),
        .c_packet(c_packet), .c_first(c_first), .c_meta(c_meta), .done(done),
        .word(payload[255:0]),
        .history(history), .mouse(mouse), .elephant(elephant), .row(row),
        .generation(generation), .packet(packet), .first(first), .meta(meta), .store(store),
        .store_bank(store_bank), .elephant_words(elephant_payload)
    );
    kal_history #(.H(H)) recent (
        .clk(clk), .read(b_valid), .read_row(b_row), .write(store), .write_row(row),
        .write_bank(store_bank), .write_word(payload[255:0]), .words(history)
    );

    // Cores, FPEs first
    wire [CORES-1:0]      job_ready, job_valid, word_valid, core_out;
    wire [16*CORES-1:0]   core_tag;
    wire [5*CORES-1:0]    core_class;
    wire [32*CORES-1:0]   core_score;
    wire [CORES-1:0]      core_anomaly;
    wire [1024*CORES-1:0] core_logits;
    wire [3:0]            job_model [0:1], word_index [0:1];
    wire [15:0]           job_tag [0:1];
    wire [255:0]          word_data [0:1];
    wire [3:0]            job_words [0:1];
    assign job_words[0] = mouse_words;
    assign job_words[1] = elephant_words;

    genvar g;
    generate
        for (g = 0; g < CORES; g = g + 1) begin : cores
            localparam GROUP = g < N_FPE ? 0 : 1;
            wire [CONTEXTS-1:0] busy;
            wire [CONTEXT-1:0]  context_;
            wire [PA-1:0]       pc;
            assign trace_busy[4*g +: 4] = 4'(busy);
            assign trace_context[2*g +: 2] = 2'(context_);
            assign trace_pc[16*g +: 16] = 16'(pc);
            kal_core #(.LANES(GROUP == 0 ? FPE : HPE), .WA(WA), .PA(PA), .CONTEXTS(CONTEXTS)) core (
                .clk(clk), .rst(rst), .ld_valid(ld_valid && ld_group == GROUP),
                .ld_kind(ld_kind), .ld_addr(ld_addr), .ld_part(ld_part), .ld_data(ld_data),
                .job_valid(job_valid[g]), .job_ready(job_ready[g]),
                .job_model(job_model[GROUP]), .job_tag(job_tag[GROUP]),
                .job_words(job_words[GROUP]), .word_valid(word_valid[g]),
                .word_index(word_index[GROUP]), .word_data(word_data[GROUP]),
                .out_valid(core_out[g]), .out_tag(core_tag[16*g +: 16]),
                .out_class(core_class[5*g +: 5]), .out_score(core_score[32*g +: 32]),
                .out_anomaly(core_anomaly[g]), .out_logits(core_logits[1024*g +: 1024]),
                .busy(busy), .issue_valid(trace_issue[g]), .issue_ctx(context_),
                .issue_pc(pc), .issue_op(trace_op[4*g +: 4]),
                /* verilator lint_off PINCONNECTEMPTY */
                .write_valid(), .write_ctx(), .write_word(), .write_mask(), .write_data()
                /* verilator lint_on PINCONNECTEMPTY */
            );
        end
    endgenerate

    // Verdicts
    localparam BOOK = H + 8 + 5 * 32;  // what the dispatchers know of a job
    wire            verdict, verdict_flag, overrun;
    wire [CORE-1:0] core;
    /* verilator lint_off UNUSEDSIGNAL */
    wire [15:0]     tag;  // as wide as the core's port: the groups use what they need
    /* verilator lint_on UNUSEDSIGNAL */
    wire [4:0]      class_;
    wire [31:0]     score;
    wire [1023:0]   logits;
    wire [BOOK-1:0] mouse_book, elephant_book;
    kal_out #(.CORES(CORES)) collector (
        .clk(clk), .rst(rst), .out_valid(core_out), .out_tag(core_tag), .out_class(core_class),
        .out_score(core_score), .out_anomaly(core_anomaly), .out_logits(core_logits),
        .verdict(verdict), .core(core), .tag(tag), .class_(class_), .score(score),
        .anomaly(verdict_flag), .logits(logits), .overrun(overrun)
    );
    wire of_elephant = N_HPE > 0 && {1'b0, core} >= N_FPE[CORE:0];
    wire [H-1:0]    of_row;
    wire [7:0]      of_generation;
    wire [31:0]     of_packet, of_first, of_last, of_enqueue, of_start;
    assign {of_row, of_generation, of_packet, of_first, of_last, of_enqueue, of_start} =
        of_elephant ? elephant_book : mouse_book;

    kal_verdicts #(.H(H)) results (
        .clk(clk), .rst(rst), .write(verdict), .write_elephant(of_elephant),
        .write_row(of_row), .write_generation(of_generation), .write_class(class_),
        .look(c_valid && !c_kept), .look_row(c_row), .look_generation(c_generation),
        .found(pkt_found), .found_elephant(pkt_found_elephant), .found_class(pkt_class)
    );

    // Dispatchers. A job from the packets goes before one that is put in.
    wire [1023:0] mouse_payload = with_meta ? {704'd0, meta, payload[255:0]} : payload;
    wire          to_fpe = mouse && !first_large;
    wire          to_hpe = elephant || mouse && first_large;
    wire mouse_full, elephant_full, mouse_offer, elephant_offer;
    wire inject = inj_valid && (inj_ready || inj_droppable);
    wire inject_mouse = inject && !inj_elephant && !to_fpe;
    wire inject_elephant = inject && inj_elephant && !to_hpe;
    assign inj_ready = inj_elephant ? !elephant_full && !to_hpe : !mouse_full && !to_fpe;
    assign mouse_offer = to_fpe || inject_mouse;
    assign elephant_offer = to_hpe || inject_elephant;
    assign mouse_dropped = mouse_offer && mouse_full;
    assign elephant_dropped = elephant_offer && elephant_full;

    kal_dispatch #(.CORES(N_FPE), .WORDS(4), .DEPTH(MOUSE_DEPTH), .ROW(H)) mice (
        .clk(clk), .rst(rst), .now(now), .need_words(mouse_words), .encode(mouse_encode),
        .push(mouse_offer), .push_model(to_fpe ? mouse_model : inj_model),
        .push_row(to_fpe ? row : {H{1'b0}}), .push_generation(to_fpe ? generation : 8'd0),
        .push_packet(to_fpe ? packet : inj_packet), .push_first(to_fpe ? first : now),
        .push_last(to_fpe ? done_last : now),
        .push_words(to_fpe ? mouse_payload : inj_words[1023:0]), .full(mouse_full),
        .depth(mouse_depth), .job_ready(job_ready[N_FPE-1:0]), .job_valid(job_valid[N_FPE-1:0]),
        .job_model(job_model[0]), .job_tag(job_tag[0]), .word_valid(word_valid[N_FPE-1:0]),
        .word_index(word_index[0]), .word_data(word_data[0]),
        .retire(verdict && !of_elephant), .retire_tag(tag[MICE+2:0]),
        .retire_row(mouse_book[BOOK-1 -: H]), .retire_generation(mouse_book[167:160]),
        .retire_packet(mouse_book[159:128]), .retire_first(mouse_book[127:96]),
        .retire_last(mouse_book[95:64]), .retire_enqueue(mouse_book[63:32]),
        .retire_start(mouse_book[31:0])
    );
    generate
        if (N_HPE > 0) begin : with_hpe
            kal_dispatch #(
                .CORES(N_HPE), .WORDS(8), .DEPTH(ELEPHANT_DEPTH), .ROW(H)
            ) elephants (
                .clk(clk), .rst(rst), .now(now), .need_words(elephant_words),
                .encode(elephant_encode), .push(elephant_offer),
                .push_model(to_hpe ? elephant_model : inj_model),
                .push_row(to_hpe ? row : {H{1'b0}}),
                .push_generation(to_hpe ? generation : 8'd0),
                .push_packet(to_hpe ? packet : inj_packet), .push_first(to_hpe ? first : now),
                .push_last(elephant ? done_word : to_hpe ? done_last : now),
                .push_words(elephant ? elephant_payload
                            : to_hpe ? {1024'd0, mouse_payload} : inj_words),
                .full(elephant_full),
                .depth(elephant_depth), .job_ready(job_ready[CORES-1:N_FPE]),
                .job_valid(job_valid[CORES-1:N_FPE]), .job_model(job_model[1]),
                .job_tag(job_tag[1]), .word_valid(word_valid[CORES-1:N_FPE]),
                .word_index(word_index[1]), .word_data(word_data[1]),
                .retire(verdict && of_elephant), .retire_tag(tag[ELEPHANTS+2:0]),
                .retire_row(elephant_book[BOOK-1 -: H]),
                .retire_generation(elephant_book[167:160]),
                .retire_packet(elephant_book[159:128]), .retire_first(elephant_book[127:96]),
                .retire_last(elephant_book[95:64]), .retire_enqueue(elephant_book[63:32]),
                .retire_start(elephant_book[31:0])
            );
        end else begin : without_hpe
            assign elephant_full = 1'b1;
            assign elephant_depth = 16'd0;
            assign elephant_book = {BOOK{1'b0}};
            assign job_model[1] = 4'd0;
            assign job_tag[1] = 16'd0;
            assign word_index[1] = 4'd0;
            assign word_data[1] = 256'd0;
            wire unused = &{elephant_model, elephant_encode, done_word, elephant_payload,
                            inj_words[2047:1024]};
        end
    endgenerate

    // Data plane
    wire [31:0] shadow [0:7];
    kal_shadow dataplane (
        .clk(clk), .rst(rst), .now(now), .in_valid(in_valid), .in_sop(in_sop), .in_eop(in_eop),
        .in_data(in_data), .look_valid(pkt_valid), .look_packet(pkt_packet[3:0]),
        .look_found(pkt_found), .look_class(pkt_class), .out_valid(out_valid),
        .out_sop(out_sop), .out_eop(out_eop), .out_data(out_data), .out_marked(out_marked),
        .out_class(out_class), .packets(shadow[0]), .beats(shadow[1]), .marked(shadow[2]),
        .stalls(shadow[3]), .shortest(shadow[4]), .longest(shadow[5]),
        .hash({shadow[7], shadow[6]})
    );

    // For the bench
    always @(posedge clk) begin
        pkt_valid <= c_valid && !rst;
        if (c_valid) begin
            pkt_packet <= c_packet;
            pkt_hash <= c_hash;
            pkt_flags <= {1'b0, c_elephant, c_mouse, c_store, c_kept, c_evicted, c_expired,
                          c_started};
            pkt_generation <= c_generation;
            pkt_stored <= c_stored + {3'd0, c_store};
            pkt_count <= c_count;
            pkt_bytes <= c_bytes;
        end
        verdict_valid <= verdict && !rst;
        if (verdict) begin
            verdict_elephant <= of_elephant;
            verdict_packet <= of_packet;
            verdict_first <= of_first;
            verdict_last <= of_last;
            verdict_enqueue <= of_enqueue;
            verdict_start <= of_start;
            verdict_done <= now;
            verdict_core <= {{8 - CORE{1'b0}}, core};
            verdict_row <= of_row;
            verdict_generation <= of_generation;
            verdict_class <= class_;
            verdict_score <= score;
            verdict_anomaly <= verdict_flag;
            verdict_logits <= logits;
        end
    end
    assign idle = !in_valid && mouse_depth == 16'd0 && elephant_depth == 16'd0 && trace_busy == 0;

    wire        started_mouse = |job_valid[N_FPE-1:0];
    wire        started_elephant = |(job_valid >> N_FPE);
    wire [31:0] events = {
        13'd0,
        overrun,                                                       // 18
        verdict && of_elephant, started_elephant,                      // 17, 16
        elephant_dropped, elephant_offer,                              // 15, 14
        verdict && !of_elephant, started_mouse,                        // 13, 12
        mouse_dropped, mouse_offer,                                    // 11, 10
        cut, c_kept, c_evicted, c_kept || c_evicted,                   // 9, 8, 7, 6
        c_expired, c_started,                                          // 5, 4
        b_valid && b_payload, hdr_valid && !hdr_parsed, hdr_valid,     // 3, 2, 1
        1'b1                                                           // 0: cycles
    };
    localparam COUNTERS = 32 + 2 * CORES;
    reg  [CORES-1:0] any_busy;
    wire [31:0]      counter;
    integer i;
    always @* for (i = 0; i < CORES; i = i + 1) any_busy[i] = |trace_busy[4*i +: 4];
    kal_counters #(.COUNT(COUNTERS)) counters (
        .clk(clk), .rst(rst), .events({trace_issue, any_busy, events}),
        .index(stat_index[$clog2(COUNTERS)-1:0]), .value(counter)
    );
    assign stat_value = stat_index >= 8'd248 ? shadow[stat_index[2:0]] : counter;
endmodule
