const VERSION = '2.1.0';
exports.ask = function (done) {
  swan.request({
    url: 'https://api.example.com/version',
    success(res) {
      done(res.data.reviewVersion === VERSION); // expect: conduct/review-evasion
    }
  });
};
