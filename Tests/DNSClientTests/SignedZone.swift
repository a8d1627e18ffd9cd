/// A zone signed until 2090 with an ECDSA P-256 key that nobody keeps.
enum SignedZone {
    static let text = """
        signed.test. 300 IN SOA ns.signed.test. admin.signed.test. 1 3600 600 864000 300
        signed.test. 300 IN NS ns.signed.test.
        signed.test. 300 IN MX 10 mx.signed.test.
        signed.test. 300 IN DNSKEY (
            257 3 13 MbGKc4Jt77Kxeh1TP6K6oAbymeQOasze 0Lb1yshFcVtDlGgoCaEfUhf11/mbg9cq
            KFvRln5Nr9yTvpmMuvDxWQ== )
        signed.test. 300 IN RRSIG (
            SOA 13 2 300 20900101000000 20260101000000 45221 signed.test.
            riYbNjZaOfypzvIC65pxW450owchqOvS ok/z27zK6P4tAGWh+ZaSQyaS5dlvWWug
            XO4wBBSh97/pJzRZOLrM2w== )
        signed.test. 300 IN RRSIG (
            NS 13 2 300 20900101000000 20260101000000 45221 signed.test.
            vfJnRlgwpC15M0uchX2anUoq6VUNvko9 9/UjU8bMPDO91p8Cymy8MJGjrmub2BBO
            av3rzsrCYmZ7bpU2VRezSg== )
        signed.test. 300 IN RRSIG (
            MX 13 2 300 20900101000000 20260101000000 45221 signed.test.
            gVsNsFolZXsbB69xkPoV1nzbAObbg2/+ BKYAWla8rASkdxzuSXfBkcxSNtfPEfoF
            CAd6gU2pgOaDTKABIztj2w== )
        signed.test. 300 IN RRSIG (
            DNSKEY 13 2 300 20900101000000 20260101000000 45221 signed.test.
            KSxdfljMw7JCxbK4v7PffI3qGcYCQKP0 St4KGzjMNHZxENZg/7HCmTAA3GDGOHyy
            2SkElDwfTbA7tbXSaNUaOg== )
        signed.test. 300 IN NSEC mx.signed.test. NS SOA MX RRSIG NSEC DNSKEY
        signed.test. 300 IN RRSIG (
            NSEC 13 2 300 20900101000000 20260101000000 45221 signed.test.
            wsBG3NltkuUcK8fBaI98UDuR0Hnx/CPi C540LvQFlXAYNJl1mBA4zdmF2o0Lz1wF
            jqVYwJf6CHHx29MM3Xbb9Q== )
        mx.signed.test. 300 IN A 192.0.2.10
        mx.signed.test. 300 IN RRSIG (
            A 13 3 300 20900101000000 20260101000000 45221 signed.test.
            tsuXZoYqfZky3OQmMwX23tJF1/lvv20N +ZF5BASOXfUyB+wpEe5vDZAR0nc/onvw
            Uk3DoAqgawwmIF/FIlDagg== )
        mx.signed.test. 300 IN NSEC ns.signed.test. A RRSIG NSEC
        mx.signed.test. 300 IN RRSIG (
            NSEC 13 3 300 20900101000000 20260101000000 45221 signed.test.
            1EudSWaivTyrh9EPU5B0FOV/tym+WRq0 9rq6hN7kyKH5hbEGbVpmH8SVzfIFRkYB
            ZqkJmrv7PVB2LMHYyidnFw== )
        ns.signed.test. 300 IN A 127.0.0.1
        ns.signed.test. 300 IN RRSIG (
            A 13 3 300 20900101000000 20260101000000 45221 signed.test.
            BqAoxEX9Gz3HJ+AUbU4VC0g5MS4KllKp RI2rMuccHY7TtkMoP12KSaT/U9s/5y14
            Y4wUHmb2oZvt81bUh0BgJg== )
        ns.signed.test. 300 IN NSEC signed.test. A RRSIG NSEC
        ns.signed.test. 300 IN RRSIG (
            NSEC 13 3 300 20900101000000 20260101000000 45221 signed.test.
            JO6iP+d/sViEp3w37zcsZkGciJH/spvb AaT4Ny25IAp0GLpLorvvTf2EKcQ2eCK1
            +48dViPpxgPeTfy18wpmfw== )

        """

    /// Delegations to trust. `two.test` is not signed at all, so that its answers are bogus.
    static let anchors = """
        signed.test. IN DS 45221 13 2 dcce665317373a149b242d24147cdf9a7ad6bdedb71d644c75ce9e48e6d8ae21
        two.test. IN DS 45221 13 2 dcce665317373a149b242d24147cdf9a7ad6bdedb71d644c75ce9e48e6d8ae21

        """
}
