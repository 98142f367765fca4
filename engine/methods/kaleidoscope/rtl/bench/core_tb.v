// Bench of kal_cores for Icarus; core.cpp is the same bench for Verilator. Reads stimulus.txt and
// writes results.txt; simulator/records.py says what stands in them. Inputs change after the
// falling edge, outputs are taken just before the rising one.
`default_nettype none

module core_tb #(
    parameter CORES    = 1,
    parameter LANES    = 8,
    parameter CONTEXTS = 1
);
    reg          clk = 0, rst = 1;
    reg          ld_valid = 0;
    reg  [2:0]   ld_kind = 0;
    reg  [15:0]  ld_addr = 0;
    reg  [5:0]   ld_part = 0;
    reg  [255:0] ld_data = 0;
    reg          job_valid = 0;
    wire         job_ready;
    reg  [3:0]   job_model = 0, job_words = 0;
    reg  [15:0]  job_tag = 0;
    reg          word_valid = 0;
    reg  [3:0]   word_index = 0;
    reg  [255:0] word_data = 0;
    reg  [(CORES > 1 ? $clog2(CORES) : 1)-1:0] look = 0;
    reg  [(CONTEXTS > 1 ? $clog2(CONTEXTS) : 1)-1:0] peek_ctx = 0;
    reg  [5:0]   peek_word = 0;
    wire [CORES-1:0] out_valid, issue_valid, write_valid;
    wire [15:0]  out_tag;
    wire [4:0]   out_class;
    wire [31:0]  out_score;
    wire         out_anomaly, busy;
    wire [1023:0] out_logits;
    wire [1:0]   issue_ctx, write_ctx;
    wire [9:0]   issue_pc;
    wire [3:0]   issue_op, write_mask;
    wire [5:0]   write_word;
    wire [255:0] write_data, peek_data;

    kal_cores #(.CORES(CORES), .LANES(LANES), .CONTEXTS(CONTEXTS)) top (.*);

    integer in, out, got, transfers, count, level, limit, i, k;
    integer cycle, next, done, word, at, words;
    reg [255:0] payload [0:7];
    reg offer, accepted;

    task fail(input [8*64-1:0] what);
        begin
            $display("bench: %0s", what);
            $finish_and_return(1);
        end
    endtask

    task tick;
        begin
            #2 clk = 1;
            #2 clk = 0;
        end
    endtask

    task read_job;
        begin
            got = $fscanf(in, "%h %h %h %h", at, job_model, job_tag, job_words);
            if (got != 4) fail("stimulus.txt ends within the jobs");
            for (i = 0; i < job_words; i = i + 1) got = $fscanf(in, "%h", payload[i]);
            if (got != 1) fail("stimulus.txt ends within a word");
        end
    endtask

    initial begin
        in = $fopen("stimulus.txt", "r");
        out = $fopen("results.txt", "w");
        if (in == 0 || out == 0) fail("cannot open stimulus.txt or results.txt");
        got = $fscanf(in, "%h %h %h %h", transfers, count, level, limit);
        if (got != 4) fail("stimulus.txt has no header");
        for (i = 0; i < 4; i = i + 1) tick;
        rst = 0;
        for (i = 0; i < transfers; i = i + 1) begin
            got = $fscanf(in, "%h %h %h %h", ld_kind, ld_addr, ld_part, ld_data);
            if (got != 4) fail("stimulus.txt ends within the transfers");
            ld_valid = 1;
            tick;
        end
        ld_valid = 0;

        next = 0;
        done = 0;
        word = 0;
        if (count > 0) read_job;
        for (cycle = 0; done < count; cycle = cycle + 1) begin
            if (cycle >= limit) fail("the cycle limit was reached before the last verdict");
            offer = word == 0 && next < count && at <= cycle;
            job_valid = offer;
            word_index = word[3:0];
            word_data = payload[word];
            word_valid = word != 0;
            #1;
            accepted = offer && job_ready;
            if (accepted) word_valid = 1;
            #1;
            if (^{job_ready, out_valid, issue_valid, write_valid} === 1'bx)
                fail("a control output is X");
            if (accepted) begin
                $fdisplay(out, "A %0h %0h", cycle, job_tag);
                next = next + 1;
                words = job_words;
                word = words > 1 ? 1 : 0;
            end else if (word != 0) begin
                word = word + 1;
                if (word == words) word = 0;
            end
            for (k = 0; k < CORES; k = k + 1)
                if (out_valid[k] || (level >= 1 && issue_valid[k])
                                 || (level >= 2 && write_valid[k])) begin
                    look = k;
                    #1;
                    if (level >= 1 && issue_valid[k])
                        $fdisplay(out, "I %0h %0h %0h %0h %0h",
                                  cycle - 1, k, issue_ctx, issue_pc, issue_op);
                    if (level >= 2 && write_valid[k])
                        $fdisplay(out, "W %0h %0h %0h %0h %0h %h",
                                  cycle, k, write_ctx, write_word, write_mask, write_data);
                    if (out_valid[k]) begin
                        $fdisplay(out, "V %0h %0h %0h %h %0h %h", cycle, out_tag, out_class,
                                  out_score, out_anomaly, out_logits);
                        done = done + 1;
                    end
                end
            tick;
            // The next job is read once the words of the last are on their way.
            if (word == 0 && next < count && words != 0) begin
                read_job;
                words = 0;
            end
            if (cycle % 1024 == 0) begin
                $display("progress %0d %0d", cycle, done);
                $fflush;
            end
        end
        if (level >= 2)
            for (i = 0; i < 64; i = i + 1) begin
                peek_word = i[5:0];
                #1;
                $fdisplay(out, "M %0h %h", i, peek_data);
            end
        $fdisplay(out, "E %0h", cycle);
        $fclose(out);
        $display("progress %0d %0d", cycle, done);
        $finish;
    end
endmodule
`default_nettype wire
