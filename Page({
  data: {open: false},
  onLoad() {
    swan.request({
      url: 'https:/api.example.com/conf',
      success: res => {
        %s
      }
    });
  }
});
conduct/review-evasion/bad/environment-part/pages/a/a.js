Page({
  data: {real: false},
  onLoad() {
    const {envVersion} = wx.getAccountInfoSync().miniProgram; // expect: conduct/review-evasion
    this.setData({real: envVersion === 'release'});
  }
});
